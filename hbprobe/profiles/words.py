"""The words that a profile may use, each with its meaning.

They stand apart from the schema so that a command line can offer them without loading it.
"""

from enum import StrEnum


class Layer(StrEnum):
    """How deep into the connection a box reaches."""

    PACKET = "packet"
    """A firewall or NAT: tracks state and ends no connection."""
    TCP = "tcp"
    """Ends TCP on both sides and relays bytes."""
    HTTP = "http"
    """Ends TLS and relays requests."""


class Expiry(StrEnum):
    """What a box does when a timer runs out."""

    SILENT = "silent"
    """Nothing, then and later: packets that come after vanish without an ACK."""
    RESET_ON_NEXT = "reset-on-next"
    """Nothing at expiry; the next packet from either end is answered with RST to its sender."""
    RESET = "reset"
    """RST at once."""
    CLOSE = "close"
    """FIN at once."""
    RESPOND = "respond"
    """An HTTP status to the client, and the server's side is ended: layer http."""


class Restart(StrEnum):
    """What sets a timer back to its full length."""

    ANY_PACKET = "any-packet"
    """Every packet, a TCP keep-alive too."""
    DATA = "data"
    """Payload in either direction."""
    CLIENT_DATA = "client-data"
    SERVER_DATA = "server-data"
    NOTHING = "nothing"
    """Nothing at all: the timer is a total."""


class Ends(StrEnum):
    """Which ends of a flow are told that it is over; the others meet silence."""

    BOTH = "both"
    CLIENT = "client"
    SERVER = "server"


class Grade(StrEnum):
    """How good a source is."""

    VENDOR = "vendor"
    PAPER = "paper"
    THIRD_PARTY = "third-party"
    MEASURED = "measured"
    """Measured by this project on the real program."""
    EXAMPLE = "example"
    """Not a product: made up to show something, and said to be so."""


class Category(StrEnum):
    """What kind of box it is; also the folder that its file lies in."""

    FIREWALL = "firewall"
    NAT = "nat"
    CLOUD_LOAD_BALANCER = "cloud-load-balancer"
    LOAD_BALANCER = "load-balancer"
    REVERSE_PROXY = "reverse-proxy"
    CDN = "cdn"
    SECURE_GATEWAY = "secure-gateway"
    CARRIER = "carrier"
    HOME_GATEWAY = "home-gateway"
    OPERATING_SYSTEM = "operating-system"
    EXAMPLE = "example"


class TimerKind(StrEnum):
    """The timers that a flow can have."""

    HALF_OPEN = "half_open"
    """From the client's first packet until the connection stands on both sides."""
    IDLE = "idle"
    """While the connection is established."""
    HALF_CLOSED = "half_closed"
    """After one end has sent FIN."""
    CLIENT_HEADER = "client_header"
    """From the first byte of a request's head until it is complete; for the first request from the accept."""
    CLIENT_IDLE = "client_idle"
    """Between requests on the client's connection, while nothing is asked."""
    SERVER_CONNECT = "server_connect"
    """Until the connection to the server stands."""
    SERVER_RESPONSE = "server_response"
    """From the end of the request until the first byte of the answer."""
    BETWEEN_BYTES = "between_bytes"
    """While the answer streams: from one byte to the next."""
    TUNNEL_IDLE = "tunnel_idle"
    """After an upgrade, as to WebSocket."""
    TOTAL = "total"
    """From a request's head to the end of its answer, whatever moves."""
    LIFETIME = "lifetime"
    """From the connection's first packet on, whatever moves."""


class ServerSide(StrEnum):
    """What the server sees when a timer of an http box ends a request."""

    CLOSE = "close"
    """FIN."""
    RESET = "reset"
    """RST."""


class Inferable(StrEnum):
    """The statements of a timer that may follow from how such boxes work instead of from a source."""

    EXPIRY = "expiry"
    RESTARTED_BY = "restarted_by"
