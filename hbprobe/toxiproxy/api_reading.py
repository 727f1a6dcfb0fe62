"""What comes in: JSON to proxies and toxics, with Toxiproxy's errors."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from hbprobe.middlebox.toxics import FLOW_TOXICS, SETTINGS, Toxic

_STREAMS = ("upstream", "downstream")
_MOST = 2**53
_OURS = {name for name in FLOW_TOXICS if name != "reset_peer"}
"""Types that Toxiproxy does not have, so that no client of its can send attributes which are to be ignored."""
_WORDS = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}


class ApiError(Exception):
    """What is answered instead of a document."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


@dataclass(frozen=True, slots=True)
class ProxyAsked:
    """A proxy as it is asked for; None for what is left out."""

    name: str | None = None
    listen: str | None = None
    upstream: str | None = None
    enabled: bool | None = None
    toxics: tuple[Mapping[str, Any], ...] = ()


def read_json(body: bytes) -> Any:  # noqa: ANN401  any JSON
    """Return what a body says; raises ApiError."""
    if not body.strip():
        raise _bad("EOF")
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise _bad(str(error)) from None


def read_proxy(asked: object) -> ProxyAsked:
    """Return a proxy that is asked for; raises ApiError."""
    of = _object(asked)
    toxics = of.get("toxics")
    if toxics is not None and not isinstance(toxics, list):
        raise _bad("toxics must be an array")
    return ProxyAsked(
        name=_value(of, "name", str),
        listen=_value(of, "listen", str),
        upstream=_value(of, "upstream", str),
        enabled=_value(of, "enabled", bool),
        toxics=tuple(_object(one) for one in toxics or ()),
    )


def require(proxies: Sequence[ProxyAsked], *, numbered: bool = False) -> None:
    """Raise ApiError where one has no name or leads nowhere; `numbered`: say which."""
    for place, proxy in enumerate(proxies):
        for field, value in (("name", proxy.name), ("upstream", proxy.upstream)):
            if not value:
                raise ApiError(400, f"missing required field: {field}{f' at proxy {place + 1}' if numbered else ''}")


def read_toxic(asked: object, now: float) -> Toxic:
    """Return a toxic that is asked for; raises ApiError."""
    of = _object(asked)
    stream = _value(of, "stream", str) or "downstream"
    if stream.lower() not in _STREAMS:
        raise ApiError(400, "stream was invalid, can be either upstream or downstream")
    kind = _value(of, "type", str) or ""
    if kind not in SETTINGS:
        raise ApiError(400, "invalid toxic type")
    toxicity = _value(of, "toxicity", float)
    return Toxic(
        name=_value(of, "name", str) or f"{kind}_{stream}",
        type=kind,
        stream=stream,
        toxicity=1.0 if toxicity is None else toxicity,
        settings=read_attributes(kind, of.get("attributes"), {}),
        since=now,
    )


def changed_toxic(toxic: Toxic, asked: object, now: float) -> Toxic:
    """Return a toxic with other attributes and toxicity; what is not named stays. Raises ApiError."""
    of = _object(asked)
    toxicity = _value(of, "toxicity", float)
    before = {field.name: getattr(toxic.settings, field.name) for field in fields(toxic.settings)}
    return Toxic(
        name=toxic.name,
        type=toxic.type,
        stream=toxic.stream,
        toxicity=toxic.toxicity if toxicity is None else toxicity,
        settings=read_attributes(toxic.type, of.get("attributes"), before),
        since=now,
    )


def read_attributes(kind: str, asked: object, before: Mapping[str, Any]) -> Any:  # noqa: ANN401  a type of each kind
    """Return the settings of a toxic; raises ApiError."""
    of = {} if asked is None else _object(asked)
    known = {field.name: field.type for field in fields(SETTINGS[kind])}
    if kind in _OURS and (unknown := [name for name in of if name not in known]):
        has = f"it has {', '.join(known)}" if known else "it has none"
        raise ApiError(400, f"{kind} has no attribute {unknown[0]!r}: {has}")
    given = {name: _value(of, name, _type(known[name])) for name in known if of.get(name) is not None}
    try:
        return SETTINGS[kind](**{**before, **given})
    except ValueError as error:
        raise ApiError(400, str(error)) from None


def _type(declared: object) -> type[Any]:
    assert isinstance(declared, type)
    return declared


def _object(asked: object) -> Mapping[str, Any]:
    """Return an object; its keys are of any case, as Go reads them (https://pkg.go.dev/encoding/json#Unmarshal)."""
    if not isinstance(asked, dict):
        raise _bad("a JSON object is wanted")
    return {key.lower(): value for key, value in asked.items()}


def _value(of: Mapping[str, Any], name: str, kind: type[Any]) -> Any:  # noqa: ANN401  as kind says
    """Return a value of that type, or None; a whole number may be written as 100.0."""
    value = of.get(name)
    if value is None:
        return None
    if isinstance(value, bool) != (kind is bool):
        raise _bad(f"{name} must be {_WORDS[kind]}")
    if kind is int and isinstance(value, float) and value.is_integer():
        value = int(value)
    if kind is float and isinstance(value, int):
        value = float(max(-_MOST, min(value, _MOST)))
    if not isinstance(value, kind) or (isinstance(value, int) and abs(value) > _MOST):
        raise _bad(f"{name} must be {_WORDS[kind]}")
    return value


def _bad(text: str) -> ApiError:
    return ApiError(400, f"bad request body: {text}")
