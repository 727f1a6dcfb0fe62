"""The releases of Exchange that the stand-in can pass for."""

from enum import StrEnum

from hbprobe.eas.query import VERSIONS


class Release(StrEnum):
    """A release of Exchange Server, by the year in its name."""

    V2003 = "2003"
    V2007 = "2007"
    V2010 = "2010"
    V2013 = "2013"
    V2016 = "2016"
    V2019 = "2019"

    @property
    def banner(self) -> str:
        """What the header MS-Server-ActiveSync says: the version of the release.

        Seen of 2010 SP3: https://www.cnblogs.com/javawer/p/3253487.html
        """
        return _BANNERS[self]

    @property
    def naming_headers(self) -> tuple[str, ...]:
        """The headers in which it names the computer that answers."""
        return _NAMING[self]

    @property
    def protocols(self) -> tuple[str, ...]:
        """The protocol versions that it announces, as far as the stand-in speaks them.

        Exchange Server 2013 has 16.0 only behind a switch; 16.0 and 16.1 came with 2016.
        """
        return VERSIONS[: VERSIONS.index(_NEWEST[self]) + 1]


_BANNERS = {
    Release.V2003: "6.5.7638.1",
    Release.V2007: "8.1",
    Release.V2010: "14.3",
    Release.V2013: "15.0",
    Release.V2016: "15.1",
    Release.V2019: "15.2",
}
_NAMING: dict[Release, tuple[str, ...]] = {
    Release.V2003: (),
    Release.V2007: (),
    Release.V2010: ("X-DiagInfo",),
    Release.V2013: ("X-DiagInfo", "X-FEServer"),
    Release.V2016: ("X-DiagInfo", "X-FEServer"),
    Release.V2019: ("X-DiagInfo", "X-FEServer"),
}
_NEWEST = {
    Release.V2003: "2.5",
    Release.V2007: "12.1",
    Release.V2010: "14.1",
    Release.V2013: "14.1",
    Release.V2016: "16.1",
    Release.V2019: "16.1",
}


def at_least(version: str, other: str) -> bool:
    """Return whether a protocol version is that one or a later one."""
    return VERSIONS.index(version) >= VERSIONS.index(other)
