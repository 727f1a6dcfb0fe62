"""The types of options that several verbs share: how their text is read, and how their help names it."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Group, Parameter, Token

from hbprobe.duration import parse_duration_s
from hbprobe.errors import UserError
from hbprobe.net.address import Address
from hbprobe.share import parse_share

if TYPE_CHECKING:
    from hbprobe.exchange.settings import Settings
    from hbprobe.warp import Clock

ARGUMENTS, OPTIONS = Group("Arguments", sort_key=-1), Group("Options", sort_key=0)
_MOST = 100_000


def reads(read: Callable[[str], object], metavar: str) -> Parameter:
    """Return how an option is read whose value is one text; `read` raises ValueError in words a user can act on."""

    def convert(_type: object, tokens: "list[Token] | tuple[Token, ...]") -> Any:  # noqa: ANN401  as the field says
        return read(tokens[0].value)

    return Parameter(converter=convert, n_tokens=1, accepts_keys=False, metavar=metavar)


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 0 < int(text) < _MOST):
        raise ValueError(f"{text!r} is no whole number above 0")
    return int(text)


def whole(text: str) -> int:
    """Read a whole number; raises ValueError for anything else."""
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"{text!r} is no whole number") from None


def number(text: str) -> float:
    """Read a number; raises ValueError for anything else."""
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{text!r} is no number") from None


_TIME, _COUNT = reads(parse_duration_s, "TIME"), reads(_count, "N")
_ADDRESS, _SHARE = reads(Address.parse, "HOST:PORT"), reads(parse_share, "P")

Time = Annotated[float, _TIME]
"""Seconds, written as 600 or 10min."""
MaybeTime = Annotated[float | None, _TIME]
"""A time that need not be given."""
Count = Annotated[int, _COUNT]
"""A whole number above 0."""
MaybeCount = Annotated[int | None, _COUNT]
"""A whole number above 0 that need not be given."""
MaybeShare = Annotated[float | None, _SHARE]
"""0.1 or 10%, which need not be given."""
At = Annotated[Address, _ADDRESS]
"""HOST:PORT."""
MaybeAt = Annotated[Address | None, _ADDRESS]
"""HOST:PORT, which need not be given."""
File = Annotated[Path | None, Parameter(metavar="FILE")]
"""A file that need not be given."""
Folder = Annotated[Path | None, Parameter(metavar="DIR")]
"""A folder that need not be given."""

WebConfig = Annotated[
    Path | None,
    Parameter(metavar="FILE", help=r"Exchange's ClientAccess\Sync\web.config (default: Exchange's own defaults)"),
]
"""Where Exchange's settings come from."""
Seed = Annotated[
    int,
    reads(whole, "N"),
    Parameter(
        help="another box out of a population, and other luck with timers that are random in part (default: 0)"
    ),
]
"""The number that stands for what is random about a box."""
Json = Annotated[bool, Parameter(help="print one JSON document instead of text")]
"""The choice of output."""
Verbose = Annotated[
    bool, Parameter(name=("--verbose", "-v"), help="tell of each device, each finding and each setting as well")
]
"""The choice of all details."""
Quiet = Annotated[bool, Parameter(name=("--quiet", "-q"), help="print the answer alone: the limit, what to do")]
"""The choice of no details."""
ExitCode = Annotated[
    bool, Parameter(help="end with status 1 where there is a finding, as the verbs that measure a real path do")
]
"""The choice of what the exit status of a simulation says."""
Timers = Annotated[
    tuple[str, ...],
    Parameter(
        name="--set", metavar="TIMER=TIME", help="change a timer of the first box, as in idle=300; may be repeated"
    ),
]
"""Timers of the first box that are other than its profile's."""


def profile_ids(_context: object) -> list[tuple[str, str]]:
    """Return what a shell offers where a profile may be named: each id, and the product's name."""
    from hbprobe.profiles.catalogue import Catalogue

    return [(profile.id, profile.name) for profile in Catalogue().all()]


def exchange_settings(webconfig: Path | None) -> "Settings":
    """Return Exchange's settings; raises UserError when the file cannot be used."""
    from hbprobe.exchange.settings import Settings, load_settings

    return Settings() if webconfig is None else load_settings(webconfig)


def clock_named(text: str) -> "Clock":
    """Return the clock that is named; raises UserError when there is none of that name."""
    from hbprobe.warp import clock_from_text

    try:
        return clock_from_text(text)
    except ValueError as error:
        raise UserError(f"--clock: {error}") from None


def boxes_named(words: Sequence[str]) -> list[str]:
    """Return the boxes that words name: one each, or several with commas between."""
    return [reference for word in words for reference in word.split(",") if reference]
