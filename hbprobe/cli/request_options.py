"""Verbs out of request classes: each field is an option, its doc is the help, and what is wrong names the option."""

import ast
import dataclasses
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from cyclopts import Group, Parameter, Token

from hbprobe.cli.options import ARGUMENTS, OPTIONS, number, profile_ids, reads, whole
from hbprobe.errors import RequestError, UserError
from hbprobe.measure.field_values import Portion, Seconds, Whole
from hbprobe.measure.request import Connecting, Journalling, LoggingIn, Request, Searching, Trusting
from hbprobe.measure.talk_request import Talking

RequestT = TypeVar("RequestT", bound=Request[Any])
OwnT = TypeVar("OwnT")

_UNASKED = {"password", "headers", "family"}
"""Fields that are no options: a secret would be seen by every user of the machine; a family is -4 or -6."""
_NAMES = {
    "manner": "--how",
    "shortest": "--from",
    "longest": "--to",
    "url": "URL",
    "profiles": "PROFILE",
    "file": "FILE",
    "share_of": "--sweep-share",
    "family": "-4/-6",
    "v4_prefix": "--net4",
}
"""What the command line calls a field, where that is not its name with two hyphens before it."""
_OF_PROFILES = {"profiles", "lab", "path", "profile"}
"""Fields that take the ids of profiles, which a shell can complete."""
_METAVARS = {
    "lab": "PROFILE",
    "profile": "PROFILE",
    "path": "PROFILE",
    "set": "TIMER=TIME",
    "nat": "BOXES",
    "pcap": "DIR",
    "source": "ADDRESS|INTERFACE",
    "label": "TEXT",
    "user": "NAME",
    "subprotocol": "NAME",
    "send": "TEXT",
    "expect": "TEXT",
    "compare": "URL",
    "other_port": "PORT",
    "device": "ID",
    "event": "FILE|-",
    "token_command": "COMMAND",
}
"""What the help calls a value, where its type does not say it."""
_GROUPS = {
    Searching: Group("Search", sort_key=1),
    LoggingIn: Group("Login", sort_key=2),
    Talking: Group("Protocol", sort_key=3),
    Trusting: Group("Trust", sort_key=4),
    Connecting: Group("Connection", sort_key=5),
    Journalling: Group("Journal", sort_key=6),
}


def from_request(
    request: type[RequestT], **read: Callable[[Any], Any]
) -> Callable[[Callable[[RequestT, OwnT], int]], Callable[..., int]]:
    """Make a verb of a function that takes a request, and the options that are the command line's own.

    A field that `read` names gets what that function makes of its texts. What the request or its run finds wrong with
    a field is told with the name of its option.
    """

    def decorate(act: Callable[[RequestT, OwnT], int]) -> Callable[..., int]:
        own = get_type_hints(act)["own"]
        signature = inspect.Signature(list(_parameters(request, own)))

        def verb(*args: object, **options: object) -> int:
            given = signature.bind(*args, **options).arguments
            ours = given.pop("own", None) or own()
            try:
                return act(request(**dict(_said(given, read))), ours)
            except RequestError as error:
                raise UserError(f"{error.told(option_of)}; see hbprobe {act.__name__} --help") from None

        verb.__name__, verb.__doc__, verb.__module__ = act.__name__, act.__doc__, act.__module__
        verb.__annotations__ = {each.name: each.annotation for each in signature.parameters.values()}
        verb.__dict__["__signature__"] = signature
        return verb

    return decorate


def option_of(name: str) -> str:
    """Return what the command line calls a field."""
    return _NAMES.get(name) or f"--{name.replace('_', '-')}"


def _said(given: Mapping[str, Any], read: Mapping[str, Callable[[Any], Any]]) -> Iterator[tuple[str, Any]]:
    """Return the fields that were said, each with its value; the others are left to the request."""
    if given.get("ipv4") and given.get("ipv6"):
        raise RequestError("-4 does not go with -6: drop one", "family")
    for name, value in given.items():
        if name in ("ipv4", "ipv6") and value:
            yield "family", name.removeprefix("ipv")
        elif value == "" or (isinstance(value, tuple) and "" in value):
            raise RequestError(f"{{{name}}}: a value is missing", name)
        elif value is not None and value is not False and value != ():
            yield name, read[name](value) if name in read else value


def _parameters(request: type[Request[Any]], own: type) -> Iterator[inspect.Parameter]:
    """Return the verb's signature: what is named by its place first, then the options."""
    hints, docs = get_type_hints(request, include_extras=True), field_docs(request)
    asked = [each for each in dataclasses.fields(request) if each.init and each.name not in _UNASKED]
    for each in sorted(asked, key=lambda field: field.kw_only is True):
        yield _parameter(each, hints[each.name], docs.get(each.name, ""), _group(each.name))
    if issubclass(request, Connecting):
        for digit in "46":
            said = Parameter(name=f"-{digit}", help=f"IPv{digit} only", group=_GROUPS[Connecting])
            yield _keyword(f"ipv{digit}", Annotated[bool, said], default=False)
    if not dataclasses.fields(own):
        return
    needed = any(each.default is dataclasses.MISSING for each in dataclasses.fields(own))
    yield _keyword("own", own if needed else own | None, default=inspect.Parameter.empty if needed else None)


def _parameter(field: "dataclasses.Field[Any]", hint: object, doc: str, group: Group | None) -> inspect.Parameter:
    type_, reading = _reading(hint, _METAVARS.get(field.name) or field.name.upper())
    if choices := field.metadata.get("choices"):
        doc += ": " + "; ".join(f"{name}: {what}" for name, what in choices.items())
    said = Parameter(
        name=option_of(field.name),
        help=doc + _default(field) if "default:" not in doc else doc,
        completer=profile_ids if field.name in _OF_PROFILES else None,
        consume_multiple=(1, None) if field.name == "lab" else None,
        group=(group or OPTIONS) if field.kw_only else ARGUMENTS,
    )
    is_needed = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    if field.kw_only:
        default = inspect.Parameter.empty if is_needed else False if type_ is bool else None
        hint = type_ if is_needed or type_ is bool else type_ | None
        return _keyword(field.name, Annotated[hint, reading, said], default=default)
    if get_origin(type_) is tuple:
        return inspect.Parameter(
            field.name, inspect.Parameter.VAR_POSITIONAL, annotation=Annotated[get_args(type_)[0], reading, said]
        )
    return inspect.Parameter(
        field.name,
        inspect.Parameter.POSITIONAL_ONLY,
        default=inspect.Parameter.empty if is_needed else None,
        annotation=Annotated[type_ if is_needed else type_ | None, reading, said],
    )


def _default(field: "dataclasses.Field[Any]") -> str:
    """Say what a field is where nothing is said, if that is worth a word."""
    match field.default:
        case bool() | "":
            return ""
        case float() as value:
            return f" (default: {value:g})"
        case int() | str() as value:
            return f" (default: {value})"
    return ""


def _keyword(name: str, hint: object, *, default: object) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=hint)


def _reading(hint: object, metavar: str) -> tuple[Any, Parameter]:
    """Return the type that the command line reads for a field's type, and how; text is for the request to read."""
    kinds = [part for part in _parts(hint) if part is not NoneType]
    marks = [mark for part in kinds for mark in getattr(part, "__metadata__", ())]
    match marks or [get_origin(kinds[0]) or kinds[0]]:
        case [Seconds()]:
            return str, Parameter(metavar="TIME")
        case [Portion()]:
            return str, Parameter(metavar="P")
        case [Whole()]:
            return int, reads(whole, "N")
        case [kind] if kind is int:
            return int, reads(whole, "N")
        case [kind] if kind is float:
            return float, reads(number, "N")
        case [kind] if kind is Literal:
            return kinds[0], Parameter(metavar=metavar)
        case [kind] if kind is bool:
            return bool, Parameter()
        case [kind] if kind is Mapping or (kind is Sequence and get_args(kinds[0]) == (str,)):
            return tuple[str, ...], Parameter(metavar=metavar)
        case _ if len(kinds) > 1:  # str | PathLike
            return Path, Parameter(metavar=metavar if metavar == "DIR" else "FILE")
    if metavar.endswith("|-"):
        return str, Parameter(converter=_file_or_stdin, n_tokens=1, metavar=metavar, allow_leading_hyphen=True)
    return str, Parameter(metavar=metavar)


def _file_or_stdin(_type: object, tokens: "Sequence[Token]") -> str:
    """Read a name, or the hyphen that stands for standard input; every other hyphen begins an option."""
    value = tokens[0].value
    if value.startswith("-") and value != "-":
        raise ValueError("a value is missing")
    return value


def _parts(hint: object) -> tuple[object, ...]:
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)


def _group(name: str) -> Group | None:
    return next((group for kind, group in _GROUPS.items() if name in vars(kind).get("__annotations__", ())), None)


def field_docs(request: type[object]) -> dict[str, str]:
    """Return the doc of each field of a class and those that it is made of: the text that stands below it."""
    docs: dict[str, str] = {}
    for kind in reversed(request.__mro__):
        if "__dataclass_fields__" in vars(kind):
            docs |= _docs_in(kind.__module__).get(kind.__name__, {})
    return docs


@cache
def _docs_in(module: str) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for node in ast.parse(inspect.getsource(sys.modules[module])).body:
        if isinstance(node, ast.ClassDef):
            found[node.name] = {
                field.target.id: " ".join(below.value.value.split())
                for field, below in zip(node.body, node.body[1:], strict=False)
                if isinstance(field, ast.AnnAssign)
                and isinstance(field.target, ast.Name)
                and isinstance(below, ast.Expr)
                and isinstance(below.value, ast.Constant)
                and isinstance(below.value.value, str)
            }
    return found
