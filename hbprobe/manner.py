"""How connections die: what boxes do when a timer runs out, and what both ends, a device and a plot make of it.

`Expiry` is the table. Each row has every trait, so a new kind of expiry is one row here: what a simulated box does,
what a diagnosis foretells, what the devices of a fleet notice, what the kernel lab is told and how plots look follow.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from hbprobe.word import Word


class Layer(Word):
    """How deep into the connection a box reaches."""

    PACKET = "packet", "A firewall or NAT: it watches connections and ends none itself."
    TCP = "tcp", "It ends TCP on both sides and relays bytes."
    HTTP = "http", "It ends TLS and relays requests."


class Manner(StrEnum):
    """How a connection ended early, as one of its ends saw it."""

    SILENT = "silent"
    """Nothing came."""
    RESET = "reset"
    """RST."""
    CLOSED = "closed"
    """FIN."""
    STATUS = "status"
    """An HTTP status that is not the server's."""


class Aftermath(StrEnum):
    """What a connection that had gone silent did with one more packet from the client."""

    RESET = "reset"
    """It was answered with RST: the state is lost, and the box says so when asked."""
    ACKNOWLEDGED = "acknowledged"
    """Something on the path still holds the connection: the server is late, or a proxy waits."""
    NOTHING = "nothing"
    """Not even acknowledged: a black hole."""
    CLOSED = "closed"
    """It was answered with FIN."""


class Act(StrEnum):
    """What a box does to one end of a flow that has expired."""

    MUTE = "mute"
    """Nothing, and it answers nothing any more."""
    LISTEN = "listen"
    """Nothing, but the next packet from there brings the flow back."""
    RESET_ON_NEXT = "reset-on-next"
    """Nothing, but it answers the next packet with RST."""
    RESET = "reset"
    CLOSE = "close"

    @property
    def heard(self) -> Manner:
        """What that end hears at this moment."""
        return {Act.RESET: Manner.RESET, Act.CLOSE: Manner.CLOSED}.get(self, Manner.SILENT)


@dataclass(frozen=True, slots=True)
class Look:
    """How one outcome looks in plots, and what the legend says."""

    label: str
    color: str
    hatch: str
    marker: str


BLUE, VERMILLION, PURPLE, ORANGE, GREEN, SKY = "#0072B2", "#D55E00", "#CC79A7", "#E69F00", "#009E73", "#56B4E9"
"""The colours of Okabe and Ito, which the colour-blind tell apart: https://jfly.uni-koeln.de/color/"""

LOOKS: dict[StrEnum, Look] = {
    Manner.SILENT: Look("cut, silent", VERMILLION, "////", "s"),
    Manner.RESET: Look("cut, reset (RST)", PURPLE, "xxxx", "X"),
    Manner.CLOSED: Look("cut, closed (FIN)", ORANGE, "\\\\\\\\", "D"),
    Manner.STATUS: Look("cut, HTTP status", GREEN, "||||", "^"),
}
"""How plots show each manner, in the order of the legend."""


@dataclass(frozen=True, slots=True)
class Traits:
    """What is to be known of a kind of expiry."""

    layers: tuple[Layer, ...]
    """The boxes that can do it."""
    act: Act | None
    """What a box of layer packet or tcp does to an end that it tells; None where it does nothing to the flow."""
    http_act: Act | None
    """What an http box does to its client, once that has its status where there is one; None where none does so."""
    manner: Manner | None
    """How a client that waits for an answer sees it, and with it when a device notices: of silence it hears nothing
    and waits until it gives up. None where the connection lives on."""
    aftermath: Aftermath | None
    """What one more packet from a client that was not told brings; None where it is told."""
    answers: bool
    """The client is answered with an HTTP status."""
    look: Look | None
    """How the catalogue's picture shows it; None for what ends nothing."""


class Expiry(Word):
    """What a box does when a timer runs out."""

    traits: Traits

    SILENT = (
        "silent",
        "Nothing, then and later: packets that come after vanish without an ACK.",
        Traits(
            layers=(Layer.PACKET, Layer.TCP, Layer.HTTP),
            act=Act.MUTE,
            http_act=Act.MUTE,
            manner=Manner.SILENT,
            aftermath=Aftermath.NOTHING,
            answers=False,
            look=LOOKS[Manner.SILENT],
        ),
    )
    RESET_ON_NEXT = (
        "reset-on-next",
        "Nothing at expiry; the next packet from either end is answered with RST to its sender.",
        Traits(
            layers=(Layer.PACKET, Layer.TCP),
            act=Act.RESET_ON_NEXT,
            http_act=None,
            manner=Manner.SILENT,  # the next packet is the server's answer, and the server gets the RST
            aftermath=Aftermath.RESET,
            answers=False,
            look=Look("cut, RST on the next packet", SKY, "", "P"),
        ),
    )
    RESET = (
        "reset",
        "RST at once.",
        Traits(
            layers=(Layer.PACKET, Layer.TCP, Layer.HTTP),
            act=Act.RESET,
            http_act=Act.RESET,
            manner=Manner.RESET,
            aftermath=None,
            answers=False,
            look=LOOKS[Manner.RESET],
        ),
    )
    CLOSE = (
        "close",
        "FIN at once.",
        Traits(
            layers=(Layer.PACKET, Layer.TCP, Layer.HTTP),
            act=Act.CLOSE,
            http_act=Act.CLOSE,
            manner=Manner.CLOSED,
            aftermath=None,
            answers=False,
            look=LOOKS[Manner.CLOSED],
        ),
    )
    RESPOND = (
        "respond",
        "An HTTP status to the client, and the server's side is ended: layer http.",
        Traits(
            layers=(Layer.HTTP,),
            act=None,
            http_act=Act.CLOSE,
            manner=Manner.STATUS,
            aftermath=None,
            answers=True,
            look=LOOKS[Manner.STATUS],
        ),
    )
    REBALANCE = (
        "rebalance",
        "The flow lives on; its next packet goes to a server chosen anew: the same one while servers stay the same.",
        Traits(
            layers=(Layer.PACKET,),
            act=None,
            http_act=None,
            manner=None,
            aftermath=None,
            answers=False,
            look=None,
        ),
    )

    def __new__(cls, value: str, meaning: str, traits: Traits) -> Self:
        """Take the value that is written in a file, what it means, and what is to be known of it."""
        word = str.__new__(cls, value)
        word._value_ = value
        word.meaning, word.traits = meaning, traits
        return word

    @property
    def tells(self) -> bool:
        """Whether a box of layer packet or tcp says anything to an end, and so can be silent to one of them."""
        return self.traits.act not in (None, Act.MUTE)

    @property
    def ends(self) -> bool:
        """Whether the connection is over."""
        return self.traits.manner is not None
