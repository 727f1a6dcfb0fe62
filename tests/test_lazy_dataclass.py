import ast
import copy
import dataclasses
import inspect
import math
import pickle
from dataclasses import FrozenInstanceError, field, fields, replace
from functools import partial
from pathlib import Path
from types import FunctionType
from typing import ClassVar

import pytest
from pydantic import TypeAdapter

import hbprobe
from hbprobe.lazy_dataclass import dataclass

HOME = Path(hbprobe.__file__).parent
LIBRARY, OURS = dataclasses.dataclass, dataclass


def classes(dataclass):
    """Make the same classes by either decorator."""
    frozen = partial(dataclass, frozen=True, slots=True)

    @frozen()
    class Plain:
        """Fields of each kind."""

        shared: ClassVar[int] = 7
        a: int
        b: "float" = 1.5
        c: list[int] = field(default_factory=list)
        d: str = field(default="d", repr=False, compare=False)
        e: str = field(default="e", kw_only=True)
        f: list[int] = field(default_factory=list, init=False)
        g: int = field(default=3, init=False)

    @frozen(kw_only=True)
    class Derived(Plain):
        """Checks itself, by means of its base."""

        h: int
        i: int = field(init=False)

        def __post_init__(self):
            object.__setattr__(self, "i", self.a + self.h)

    @frozen()
    class Empty:
        """No fields."""

    @frozen(eq=False)
    class Itself:
        """Equal to nothing else."""

        a: int = 1

    @frozen()
    class Own:
        """Has said it all itself."""

        a: int

        def __init__(self, a):
            object.__setattr__(self, "a", a + 1)

        def __repr__(self):
            return "own"

        def __eq__(self, other):
            return isinstance(other, type(self))

        def __hash__(self):
            return 5

    @frozen()
    class OwnEq:
        """Has its hash from its fields nevertheless."""

        a: int

        def __eq__(self, other):
            return True

    @dataclass(slots=True)
    class Mutable:
        """Changes."""

        a: int
        b: list[int] = field(default_factory=list)

    @dataclass(frozen=True)
    class Roomy:
        """Has a dictionary."""

        a: int = 1

    @dataclass
    class Bare:
        """Asks for nothing."""

        a: int

    return {each.__name__: each for each in (Plain, Derived, Empty, Itself, Own, OwnEq, Mutable, Roomy, Bare)}


MAKE = {
    "Plain": lambda one: one(1, 2.0, e="x"),
    "Derived": lambda one: one(1, 2.0, [3], h=4),
    "Empty": lambda one: one(),
    "Itself": lambda one: one(),
    "Own": lambda one: one(1),
    "OwnEq": lambda one: one(1),
    "Mutable": lambda one: one(1),
    "Roomy": lambda one: one(2),
    "Bare": lambda one: one(math.inf),
}
THEIRS = classes(LIBRARY)


@pytest.fixture(params=sorted(MAKE))
def pair(request):
    """The same class, as the library makes it and as we do."""
    return THEIRS[request.param], classes(OURS)[request.param], MAKE[request.param]


def told(act):
    """Return what an act returns, or how it fails."""
    try:
        return act()
    except Exception as error:
        return type(error), str(error)


def test_it_says_of_itself_what_the_librarys_does(pair):
    theirs, ours, make = pair
    assert str(inspect.signature(ours)) == str(inspect.signature(theirs))
    assert ours.__init__.__annotations__ == theirs.__init__.__annotations__
    assert ours.__init__.__qualname__ == theirs.__init__.__qualname__
    assert [(each.name, each.type, each.kw_only) for each in fields(ours)] == [
        (each.name, each.type, each.kw_only) for each in fields(theirs)
    ]
    assert ours.__match_args__ == theirs.__match_args__
    assert getattr(ours, "__slots__", None) == getattr(theirs, "__slots__", None)
    assert ours.__doc__ == theirs.__doc__
    assert repr(make(ours)) == repr(make(theirs))


def test_instances_compare_as_the_librarys_do(pair):
    theirs, ours, make = pair

    def facts(one):
        first, second = make(one), make(one)
        return (
            first == second,
            first == first,
            told(lambda: first.__eq__(1)),
            told(lambda: hash(first) == hash(second)),
            one.__hash__ is None,
            {each.name: getattr(first, each.name) for each in fields(first)},
        )

    assert facts(ours) == facts(theirs)


@pytest.mark.parametrize("name", ["a", "nothing"])
def test_it_refuses_what_the_librarys_refuses(pair, name):
    theirs, ours, make = pair

    def refusals(one):
        instance = make(one)
        return told(lambda: setattr(instance, name, 1)), told(lambda: delattr(instance, name))

    if theirs.__dataclass_params__.frozen:
        assert [error for error, _ in refusals(ours)] == [FrozenInstanceError, FrozenInstanceError]
    if name in theirs.__dataclass_fields__ or not theirs.__dataclass_params__.frozen:
        assert refusals(ours) == refusals(theirs)


@pytest.mark.parametrize(("arguments", "named"), [((), {}), ((1, 2, 3, 4, 5, 6, 7), {}), ((), {"no": 1})])
def test_wrong_arguments_are_refused_in_the_same_words(pair, arguments, named):
    theirs, ours, _ = pair
    assert told(lambda: repr(ours(*arguments, **named))) == told(lambda: repr(theirs(*arguments, **named)))


def test_what_is_made_anew_is_nobody_elses():
    mutable = classes(OURS)["Mutable"]
    first, second = mutable(1), mutable(1)
    first.b.append(2)
    assert (first.b, second.b) == ([2], [])
    second.a = 5
    assert second == mutable(5)


def test_a_nan_is_equal_to_itself_where_the_librarys_is():
    ours, theirs = ((one(math.nan), one(math.nan)) for one in (classes(OURS)["Bare"], THEIRS["Bare"]))
    assert (ours[0] == ours[1]) is (theirs[0] == theirs[1])  # until 3.12 it is, as in a tuple


def test_replace_copy_and_patterns():
    derived = classes(OURS)["Derived"]
    one = derived(1, h=4)
    assert replace(one, h=9).i == 10
    assert copy.copy(one) == copy.deepcopy(one) == one
    match one:
        case derived(first, second):
            assert (first, second) == (1, 1.5)


@dataclass(frozen=True, slots=True)
class Pickled:
    """Goes to another process."""

    a: int
    b: tuple[int, ...] = ()


def test_pickle_takes_an_instance_that_has_no_dictionary():
    one = Pickled(1, (2, 3))
    assert pickle.loads(pickle.dumps(one)) == one


def test_pydantic_reads_and_writes_one():
    adapter = TypeAdapter(Pickled)
    assert adapter.validate_python({"a": "1", "b": ["2"]}) == Pickled(1, (2,))
    assert adapter.dump_json(Pickled(1, (2,))) == b'{"a":1,"b":[2]}'


def test_a_method_is_made_when_it_is_looked_up_and_once():
    plain = classes(OURS)["Plain"]
    waiting = {"__init__", "__repr__", "__eq__", "__hash__"}

    def made():
        return {name for name in waiting if isinstance(vars(plain)[name], FunctionType)}

    assert made() == set()
    one = plain(1)
    assert made() == {"__init__"}
    init = vars(plain)["__init__"]
    assert one == plain(1)
    assert made() == {"__init__", "__eq__"}
    assert vars(plain)["__init__"] is init


def test_a_class_below_one_that_is_not_made_yet_finds_its_methods():
    class Below(classes(OURS)["Own"]):
        """No dataclass itself."""

    class BelowPlain(classes(OURS)["Roomy"]):
        """No dataclass itself, either."""

        def __init__(self):
            super().__init__(9)

    assert repr(Below(1)) == "own"
    assert BelowPlain().a == 9
    assert isinstance(BelowPlain.__mro__[1].__dict__["__init__"], FunctionType)


def names(node):
    return {each.name for each in node.names}


def imports_the_librarys(path):
    return any(
        isinstance(node, ast.ImportFrom) and node.module == "dataclasses" and "dataclass" in names(node)
        for node in ast.parse(path.read_text()).body
    )


def test_all_of_hbprobe_takes_this_one():
    sources = [path for path in HOME.rglob("*.py") if path.name != "lazy_dataclass.py"]
    assert len(sources) > 300
    theirs = [str(path.relative_to(HOME)) for path in sources if imports_the_librarys(path)]
    assert theirs == [], "from hbprobe.lazy_dataclass import dataclass: the library's is a sixth of a verb's start"
