"""What callers ask for: JSON to toxics, with Toxiproxy's errors."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from hbprobe.middlebox.faults.toxics import FLOW_TOXICS, SETTINGS, Toxic
from hbprobe.text import json_of

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


def read_json(body: bytes) -> Any:  # noqa: ANN401  any JSON
    """Return what a body says; raises ApiError."""
    if not body.strip():
        raise bad_request("EOF")
    try:
        return json_of(body)
    except ValueError as error:
        raise bad_request(str(error)) from None


def read_toxic(asked: object, now: float) -> Toxic:
    """Return a toxic that is asked for; raises ApiError."""
    of = read_object(asked)
    stream = read_value(of, "stream", str) or "downstream"
    if stream.lower() not in _STREAMS:
        raise ApiError(400, "stream was invalid, can be either upstream or downstream")
    kind = read_value(of, "type", str) or ""
    if kind not in SETTINGS:
        raise ApiError(400, "invalid toxic type")
    toxicity = read_value(of, "toxicity", float)
    connection = read_value(of, "connection", int)
    return Toxic(
        name=read_value(of, "name", str) or "_".join(filter(None, (kind, stream, str(connection or "")))),
        type=kind,
        stream=stream,
        toxicity=1.0 if toxicity is None else toxicity,
        settings=_attributes(kind, of.get("attributes"), {}),
        since=now,
        connection=connection,
    )


def changed_toxic(toxic: Toxic, asked: object, now: float) -> Toxic:
    """Return a toxic with other attributes and toxicity; what is not named stays. Raises ApiError."""
    of = read_object(asked)
    toxicity = read_value(of, "toxicity", float)
    before = {field.name: getattr(toxic.settings, field.name) for field in fields(toxic.settings)}
    return Toxic(
        name=toxic.name,
        type=toxic.type,
        stream=toxic.stream,
        toxicity=toxic.toxicity if toxicity is None else toxicity,
        settings=_attributes(toxic.type, of.get("attributes"), before),
        since=now,
        connection=toxic.connection,
    )


def read_object(asked: object) -> Mapping[str, Any]:
    """Return an object; its keys are of any case, as Go reads them (https://pkg.go.dev/encoding/json#Unmarshal).

    Raises ApiError.
    """
    if not isinstance(asked, dict):
        raise bad_request("a JSON object is wanted")
    return {key.lower(): value for key, value in asked.items()}


def read_value(of: Mapping[str, Any], name: str, kind: type[Any]) -> Any:  # noqa: ANN401  as kind says
    """Return a value of that type, or None; a whole number may be written as 100.0. Raises ApiError."""
    value = of.get(name)
    if value is None:
        return None
    if isinstance(value, bool) != (kind is bool):
        raise bad_request(f"{name} must be {_WORDS[kind]}")
    if kind is int and isinstance(value, float) and value.is_integer():
        value = int(value)
    if kind is float and isinstance(value, int):
        value = float(max(-_MOST, min(value, _MOST)))
    if not isinstance(value, kind) or (isinstance(value, int) and abs(value) > _MOST):
        raise bad_request(f"{name} must be {_WORDS[kind]}")
    return value


def bad_request(text: str) -> ApiError:
    """Return the error for a body that cannot be what is asked for."""
    return ApiError(400, f"bad request body: {text}")


def _attributes(kind: str, asked: object, before: Mapping[str, Any]) -> Any:  # noqa: ANN401  a type of each kind
    of = {} if asked is None else read_object(asked)
    known = {field.name: field.type for field in fields(SETTINGS[kind])}
    if kind in _OURS and (unknown := [name for name in of if name not in known]):
        has = f"it has {', '.join(known)}" if known else "it has none"
        raise ApiError(400, f"{kind} has no attribute {unknown[0]!r}: {has}")
    given = {name: read_value(of, name, _type(known[name])) for name in known if of.get(name) is not None}
    try:
        return SETTINGS[kind](**{**before, **given})
    except ValueError as error:
        raise ApiError(400, str(error)) from None


def _type(declared: object) -> type[Any]:
    assert isinstance(declared, type)
    return declared
