"""The standard library's dataclass, of which each method is compiled when it is first looked up.

`dataclasses.dataclass` makes four to six methods of a frozen class out of text, at once: 3.6 million instructions a
class, a sixth of what a short verb takes from start to end. Most are never called. This one takes the same options,
leaves the fields and the slots to the standard library, and so is the same to `fields`, `replace` and pydantic.
"""

import dataclasses
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass  # type checkers know what that one does

    from _typeshed import DataclassInstance
else:

    def dataclass(cls=None, /, *, frozen=False, slots=False, kw_only=False, eq=True):  # noqa: ANN001, ANN201
        """Make a dataclass, with the options of `dataclasses.dataclass` that are used here; no `InitVar`."""

        def made(cls: type) -> type:
            own = {name for name, value in vars(cls).items() if value is not None}  # None: of a class with an __eq__
            cls = dataclasses.dataclass(init=False, repr=False, eq=False, slots=slots, kw_only=kw_only)(cls)
            lazy = {"__init__": _init_of_frozen if frozen else _init, "__repr__": _of_twin}
            if eq:
                lazy["__eq__"] = _of_twin
                if frozen:
                    lazy["__hash__"] = _of_twin
                elif "__hash__" not in own:
                    cls.__hash__ = None
            for name, make in lazy.items():
                if name not in own:
                    setattr(cls, name, _Lazy(cls, name, make))
            if frozen:
                _freeze(cls)
                if slots:
                    cls.__getstate__, cls.__setstate__ = _state_of, _take_state
            return cls

        return made if cls is None else made(cls)


_Maker = Callable[[type[Any], str], Callable[..., Any]]


class _Lazy:
    """A method that is not made yet, and that makes way for itself."""

    __slots__ = ("_make", "_name", "_owner")

    def __init__(self, owner: "type[DataclassInstance]", name: str, make: "_Maker") -> None:
        self._owner, self._name, self._make = owner, name, make

    def __get__(self, instance: object, kind: type | None = None) -> object:
        method = self._make(self._owner, self._name)
        setattr(self._owner, self._name, method)
        return method.__get__(instance, kind)


class _Factory:
    """Stands in a signature for a default that is made anew each time."""

    def __repr__(self) -> str:
        return "<factory>"


def _init(cls: "type[DataclassInstance]", name: str, assign: str = "self.{name} = {value}") -> Callable[..., Any]:
    """Compile a class's `__init__`."""
    known: dict[str, object] = {"__set": object.__setattr__, "__factory": _Factory()}
    by_place, by_name, lines = ["self"], list[str](), list[str]()
    for each in dataclasses.fields(cls):
        given, value = each.name, each.name
        if each.default_factory is not dataclasses.MISSING:
            known[f"__new_{each.name}"] = each.default_factory
            given += "=__factory"
            value = f"__new_{each.name}()" + (f" if {each.name} is __factory else {each.name}" if each.init else "")
        elif each.default is not dataclasses.MISSING:
            known[f"__default_{each.name}"] = each.default
            given += f"=__default_{each.name}"
            value = each.name if each.init else f"__default_{each.name}"
        elif not each.init:
            continue  # which is for __post_init__ to set
        if each.init:
            (by_name if each.kw_only else by_place).append(given)
        lines.append(assign.format(name=each.name, value=value))
    if hasattr(cls, "__post_init__"):
        lines.append("self.__post_init__()")
    parameters = ", ".join([*by_place, *(["*", *by_name] if by_name else [])])
    body = "".join(f"\n  {line}" for line in lines or ["pass"])
    made: dict[str, Callable[..., Any]] = {}
    # Names that come from outside are a closure's, so that the function has its module's globals, as any method has.
    text = f"def make({', '.join(known)}):\n def {name}({parameters}):{body}\n return {name}"
    exec(text, vars(sys.modules[cls.__module__]), made)
    method: Callable[..., Any] = made["make"](**known)
    method.__annotations__ = {each.name: each.type for each in dataclasses.fields(cls) if each.init}
    method.__annotations__["return"] = None
    method.__qualname__ = f"{cls.__qualname__}.{name}"
    return method


def _init_of_frozen(cls: "type[DataclassInstance]", name: str) -> Callable[..., Any]:
    return _init(cls, name, "__set(self, '{name}', {value})")


def _of_twin(cls: "type[DataclassInstance]", name: str) -> Callable[..., Any]:
    """Take what the standard library makes for a class of the same fields."""
    like = [
        (each.name, object, dataclasses.field(repr=each.repr, compare=each.compare, hash=each.hash))
        for each in dataclasses.fields(cls)
    ]
    is_repr, is_hash = name == "__repr__", name == "__hash__"
    twin = dataclasses.make_dataclass(
        cls.__name__, like, init=False, repr=is_repr, eq=not is_repr, unsafe_hash=is_hash
    )
    method: Callable[..., Any] = getattr(twin, name)
    method.__qualname__ = f"{cls.__qualname__}.{name}"
    return method


def _freeze(cls: "type[DataclassInstance]") -> None:
    names = frozenset(cls.__dataclass_fields__)

    def __setattr__(self: Any, name: str, value: object) -> None:  # noqa: ANN401, N807
        if type(self) is cls or name in names:
            raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")
        super(cls, self).__setattr__(name, value)

    def __delattr__(self: Any, name: str) -> None:  # noqa: ANN401, N807
        if type(self) is cls or name in names:
            raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")
        super(cls, self).__delattr__(name)

    cls.__setattr__, cls.__delattr__ = __setattr__, __delattr__  # type: ignore[method-assign]


def _state_of(self: "DataclassInstance") -> list[object]:
    """Return what `pickle` and `copy` keep of an instance without a dictionary."""
    return [getattr(self, each.name) for each in dataclasses.fields(self)]


def _take_state(self: "DataclassInstance", state: list[object]) -> None:
    for each, value in zip(dataclasses.fields(self), state, strict=True):
        object.__setattr__(self, each.name, value)
