"""The words that a profile may use, each with its meaning.

They stand apart from the schema so that a command line can offer them without loading it.
"""

from hbprobe.word import Word


class Restart(Word):
    """What sets a timer back to its full length."""

    ANY_PACKET = "any-packet", "Every packet, a TCP keep-alive too."
    DATA = "data", "Payload in either direction."
    CLIENT_DATA = "client-data", "Payload from the client."
    SERVER_DATA = "server-data", "Payload from the server."
    EACH_DIRECTION = (
        "each-direction",
        "Each direction has a timer of its own, restarted by what comes from that end; the first to run out counts.",
    )
    NOTHING = "nothing", "Nothing at all: the timer is a total."


class Ends(Word):
    """One end of a flow, or both."""

    BOTH = "both", "The client and the server."
    CLIENT = "client", "The end that opened the connection."
    SERVER = "server", "The end that it was opened to."


class Grade(Word):
    """How good a source is."""

    VENDOR = "vendor", "The maker's own manual, code or announcement."
    PAPER = "paper", "A published measurement."
    THIRD_PARTY = "third-party", "A user's report, a blog, a copy."
    MEASURED = "measured", "Measured by this project on the real program."
    EXAMPLE = "example", "Not a product: made up to show something, and said to be so."


class Category(Word):
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


class TimerKind(Word):
    """The timers that a box can have."""

    HALF_OPEN = "half_open", "From the client's first packet until the connection stands on both sides."
    FIRST_DATA = "first_data", "While the connection stands and nothing has been said on it yet."
    IDLE = "idle", "While the connection is established."
    UNACKNOWLEDGED = "unacknowledged", "While one end has not acknowledged what the other said."
    HALF_CLOSED = "half_closed", "After one end has sent FIN; without it, idle goes on."
    CLIENT_HEADER = (
        "client_header",
        "From the first byte of a request's head until it is complete; for the first request from the accept.",
    )
    CLIENT_IDLE = "client_idle", "Between requests on the client's connection, while nothing is asked."
    SERVER_CONNECT = "server_connect", "Until the connection to the server stands."
    SERVER_RESPONSE = "server_response", "From the end of the request until the first byte of the answer."
    BETWEEN_BYTES = "between_bytes", "While the answer streams: from one byte to the next."
    TUNNEL_IDLE = "tunnel_idle", "After an upgrade, as to WebSocket."
    TOTAL = "total", "From a request's head to the end of its answer, whatever moves."
    LIFETIME = "lifetime", "From the connection's first packet on, whatever moves."


class ServerSide(Word):
    """What the server sees when a timer of an http box ends a request."""

    CLOSE = "close", "FIN."
    RESET = "reset", "RST."


class Inferable(Word):
    """The statements of a timer that may follow from how such boxes work instead of from a source."""

    EXPIRY = "expiry", "What happens when it runs out."
    RESTARTED_BY = "restarted_by", "What sets it back."
    REVIVED_BY = "revived_by", "Which end brings an expired flow back."


class QuietPhase(Word):
    """In which part of a connection nothing moves. Boxes of layer http have timers of their own for each."""

    REQUEST = "request", "a request waits for its answer"
    ANSWER = "answer", "an answer has begun"
    BETWEEN = "between", "no request waits"
    UNASKED = "unasked", "no request was made yet"
    TUNNEL = "tunnel", "the connection was upgraded"
    FOREIGN = "foreign", "it is no HTTP: such boxes do not let it through"
