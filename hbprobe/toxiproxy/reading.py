"""What comes in: JSON to proxies, with Toxiproxy's errors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hbprobe.middlebox.faults.reading import ApiError, bad_request, read_object, read_value


@dataclass(frozen=True, slots=True)
class ProxyAsked:
    """A proxy as it is asked for; None for what is left out."""

    name: str | None = None
    listen: str | None = None
    upstream: str | None = None
    enabled: bool | None = None
    toxics: tuple[Mapping[str, Any], ...] = ()


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
    )


def require(proxies: Sequence[ProxyAsked], *, numbered: bool = False) -> None:
    """Raise ApiError where one has no name or leads nowhere; `numbered`: say which."""
    for place, proxy in enumerate(proxies):
        for field, value in (("name", proxy.name), ("upstream", proxy.upstream)):
            if not value:
                raise ApiError(400, f"missing required field: {field}{f' at proxy {place + 1}' if numbered else ''}")
