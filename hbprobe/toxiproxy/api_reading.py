"""What comes in: JSON to proxies, with Toxiproxy's errors."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, TypeVar

from hbprobe.middlebox.faults.toxic_reading import ApiError, bad_request, read_object, read_value

SideT = TypeVar("SideT", "ListenTls", "UpstreamTls")


@dataclass(frozen=True, slots=True)
class ListenTls:
    """What clients meet; files in PEM."""

    certificate: str = ""
    key: str = ""
    """Empty where it stands in the file of the certificate."""
    ca: str = ""
    """Clients must show a certificate of this authority; empty where they need none."""


@dataclass(frozen=True, slots=True)
class UpstreamTls:
    """How the server is met; files in PEM."""

    ca: str = ""
    """The authority of its certificate; empty for those that this system trusts."""
    name: str = ""
    """Whom its certificate must name; empty for the host of `upstream`."""
    certificate: str = ""
    """What is shown to it; empty for nothing."""
    key: str = ""
    insecure: bool = False
    """Take any certificate."""


@dataclass(frozen=True, slots=True)
class ProxyTls:
    """The TLS of a proxy; None is a side without."""

    listen: ListenTls | None = None
    upstream: UpstreamTls | None = None
    alpn: tuple[str, ...] = ()
    """The protocols that are offered on both sides (RFC 7301), the one that is wanted most first."""

    def document(self) -> dict[str, Any]:
        """Return it as it may be asked for."""
        written = {
            side: {key: value for key, value in asdict(of).items() if value}
            for side, of in (("listen", self.listen), ("upstream", self.upstream))
            if of is not None
        }
        return written | ({"alpn": list(self.alpn)} if self.alpn else {})


PLAIN = ProxyTls()


@dataclass(frozen=True, slots=True)
class ProxyAsked:
    """A proxy as it is asked for; None for what is left out."""

    name: str | None = None
    listen: str | None = None
    upstream: str | None = None
    enabled: bool | None = None
    toxics: tuple[Mapping[str, Any], ...] = ()
    tls: ProxyTls | None = None


def read_proxy(asked: object) -> ProxyAsked:
    """Return a proxy that is asked for; raises ApiError."""
    of = read_object(asked)
    toxics = of.get("toxics")
    if toxics is not None and not isinstance(toxics, list):
        raise bad_request("toxics must be an array")
    return ProxyAsked(
        name=read_value(of, "name", str),
        listen=read_value(of, "listen", str),
        upstream=read_value(of, "upstream", str),
        enabled=read_value(of, "enabled", bool),
        toxics=tuple(read_object(one) for one in toxics or ()),
        tls=_tls(of.get("tls")),
    )


def require(proxies: Sequence[ProxyAsked], *, numbered: bool = False) -> None:
    """Raise ApiError where one has no name or leads nowhere; `numbered`: say which."""
    for place, proxy in enumerate(proxies):
        for field, value in (("name", proxy.name), ("upstream", proxy.upstream)):
            if not value:
                raise ApiError(400, f"missing required field: {field}{f' at proxy {place + 1}' if numbered else ''}")


def _tls(asked: object) -> ProxyTls | None:
    """Return the TLS that is asked for; None where nothing is said of it. Raises ApiError."""
    if asked is None:
        return None
    of = _known(asked, "tls", [field.name for field in fields(ProxyTls)])
    alpn = of.get("alpn") or []
    if not isinstance(alpn, list) or not all(isinstance(name, str) and 0 < len(name) < 256 for name in alpn):
        raise bad_request("tls.alpn must be an array of names of protocols")
    listen, upstream = _side(ListenTls, of, "listen"), _side(UpstreamTls, of, "upstream")
    if listen is not None and not listen.certificate:
        raise ApiError(400, "tls.listen needs certificate, a file in PEM")
    return ProxyTls(listen, upstream, tuple(alpn))


def _side(kind: type[SideT], of: Mapping[str, Any], side: str) -> SideT | None:
    if of.get(side) is None:
        return None
    asked = _known(of[side], f"tls.{side}", [field.name for field in fields(kind)])
    given = {name: read_value(asked, name, bool if name == "insecure" else str) for name in asked}
    return kind(**{name: value for name, value in given.items() if value is not None})


def _known(asked: object, what: str, names: list[str]) -> Mapping[str, Any]:
    of = read_object(asked)
    if unknown := [name for name in of if name not in names]:
        raise ApiError(400, f"{what} has no {unknown[0]!r}: it has {', '.join(names)}")
    return of
