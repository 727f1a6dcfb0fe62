"""The pytest plugin: the marks `warp` and `hbprobe_profiles`, the fixtures `hbprobe_box` and `hbprobe_toxiproxy`.

pytest loads it wherever hbprobe is installed, so it imports nothing that a test has not asked for.
"""

import inspect
from collections.abc import Callable, Generator, Mapping
from typing import TYPE_CHECKING, NoReturn

import pytest

if TYPE_CHECKING:
    from hbprobe.profiles.model import Profile
    from hbprobe.testing.box import Box, Duration
    from hbprobe.testing.fault_proxy import FaultProxy
    from hbprobe.testing.loop import LoopFactory

_MARKS = {
    "warp(settle=0, limit='1d', monotonic=True)": (
        "run this coroutine on a clock that jumps over waiting; `settle`: real time that bytes from outside get "
        "before each jump; `limit`: path time after which the test fails; `monotonic`: time.monotonic follows it"
    ),
    "hbprobe_profiles(*words)": (
        "run this test with its argument `profile` as each of these ids, files and categories of hbprobe's catalogue"
    ),
}
_HEADING = "hbprobe: what the boxes did"
_BOXES = pytest.StashKey[list["Box"]]()
_FAULT_PROXIES = pytest.StashKey[list["FaultProxy"]]()


def pytest_configure(config: pytest.Config) -> None:
    """Make the marks known."""
    for mark, meaning in _MARKS.items():
        config.addinivalue_line("markers", f"{mark}: {meaning}")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> Generator[None, None, None]:
    """Give a test its profiles, and what runs it the loop that it asks for."""
    profiles = metafunc.definition.get_closest_marker("hbprobe_profiles")
    if profiles is not None:
        _add_profiles(metafunc, profiles.args)
    warp = metafunc.definition.get_closest_marker("warp")
    if warp is None:
        return (yield)
    name = metafunc.definition.nodeid
    loops = _loop_factory(warp, name)
    if not _is_coroutine(metafunc.function):
        if warp in metafunc.definition.own_markers:  # and not only on its class or module
            _refuse(f"{name}: the mark warp is for coroutines: write `async def`")
        return (yield)
    _require_loop_factories(metafunc)
    if metafunc.definition.get_closest_marker("anyio") is not None:
        _choose_backend(metafunc, loops)
    factories = _LoopFactories(loops)
    metafunc.config.pluginmanager.register(factories)
    try:
        return (yield)
    finally:
        metafunc.config.pluginmanager.unregister(factories)


class _LoopFactories:
    """Gives pytest-asyncio the loop for one test, while it asks for it.

    It asks for a loop for every test as soon as one plugin has this hook, and renames them all where there are two.
    """

    def __init__(self, loops: "LoopFactory") -> None:
        self._loops = loops

    @pytest.hookimpl(optionalhook=True)
    def pytest_asyncio_loop_factories(self) -> "dict[str, LoopFactory]":
        """Return the loop factory by its name (pytest-asyncio 1.4)."""
        return {"warp": self._loops}


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Let pytest-asyncio know that tests have loops of several kinds.

    Where no plugin has the hook any more, it takes fixtures of a wider scope over from a test on one kind of loop to
    a test on the other, whose first deed is to end the loop that they run on.
    """
    plugins = session.config.pluginmanager
    if plugins.has_plugin("asyncio") and any(item.get_closest_marker("warp") for item in session.items):
        from hbprobe.testing.loop import LoopFactory

        plugins.register(_LoopFactories(LoopFactory()))


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a test on the warp clock that no other plugin runs."""
    __tracebackhide__ = True
    warp = pyfuncitem.get_closest_marker("warp")
    if warp is None or not _is_coroutine(pyfuncitem.obj) or pyfuncitem.get_closest_marker("anyio") is not None:
        return None
    from hbprobe.testing.loop import run

    def on_warp(**arguments: object) -> None:
        __tracebackhide__ = True
        run(test(**arguments), **warp.kwargs)  # they were read when the test was collected

    hypothesis = getattr(pyfuncitem.obj, "hypothesis", None)
    if hypothesis is not None:  # which calls the test for each example
        test = hypothesis.inner_test
        hypothesis.inner_test = on_warp
        return None
    test = pyfuncitem.obj
    on_warp(**{name: pyfuncitem.funcargs[name] for name in inspect.signature(test).parameters})
    return True


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Say in the report of a test that failed what its boxes did."""
    report = yield
    boxes, proxies = item.stash.get(_BOXES, []), item.stash.get(_FAULT_PROXIES, [])
    if report.failed and (boxes or proxies):
        from hbprobe.testing.event_words import told, told_of_proxies

        of = [told(box.profile, box.events, box.began_s, box.opened) for box in boxes]
        text = "\n".join([*of, *(told_of_proxies(proxy.events) for proxy in proxies)])
        add = getattr(report.longrepr, "addsection", None)  # sections of the report hide with --show-capture=no
        if add is not None:
            add(_HEADING, text)
        else:
            report.sections.append((_HEADING, text))
    return report


@pytest.fixture
def hbprobe_box(request: pytest.FixtureRequest) -> "Callable[..., Box]":
    """Make a box before a server: `async with hbprobe_box(port, profile) as box`, or `with` for clients that block.

    The arguments are those of `hbprobe.testing.Box`. Where the test fails, its report says what the box did.
    """
    from hbprobe.testing.box import Box

    boxes: list[Box] = request.node.stash.setdefault(_BOXES, [])

    def make(
        server: int | tuple[str, int],
        profile: "str | Profile" = "ten-minute-provider",
        *,
        seed: int = 0,
        **timers: "Duration",
    ) -> Box:
        boxes.append(Box(server, profile, seed=seed, **timers))
        return boxes[-1]

    return make


@pytest.fixture
def hbprobe_toxiproxy(request: pytest.FixtureRequest) -> "Callable[..., FaultProxy]":
    """Make a fault proxy: `async with hbprobe_toxiproxy({"name": "db", "upstream": "127.0.0.1:5432"}) as faults`.

    Or `with`, for clients that block. The arguments are those of `hbprobe.testing.FaultProxy`. Where the test fails,
    its report says what happened to which connection.
    """
    from hbprobe.testing.fault_proxy import FaultProxy

    proxies: list[FaultProxy] = request.node.stash.setdefault(_FAULT_PROXIES, [])

    def make(*asked: "Mapping[str, object]", seed: int = 0) -> FaultProxy:
        proxies.append(FaultProxy(*asked, seed=seed))
        return proxies[-1]

    return make


def _refuse(text: str) -> NoReturn:
    """Stop the collection of a module in which a mark is used wrong; pytest shows the text alone."""
    pytest.fail(text, pytrace=False)


def _add_profiles(metafunc: pytest.Metafunc, words: tuple[str, ...]) -> None:
    from hbprobe.errors import UserError
    from hbprobe.testing.box import chosen

    name = metafunc.definition.nodeid
    if "profile" not in metafunc.fixturenames:
        _refuse(f"{name}: the mark hbprobe_profiles is for a test with an argument `profile`")
    try:
        profiles = chosen(words)
    except UserError as error:
        _refuse(f"{name}: {error}")
    metafunc.parametrize("profile", profiles)


def _require_loop_factories(metafunc: pytest.Metafunc) -> None:
    """Refuse a test that would sleep in real time: a pytest-asyncio that takes no loop is going to run it."""
    config = metafunc.config
    if not config.pluginmanager.has_plugin("asyncio") or hasattr(config.hook, "pytest_asyncio_loop_factories"):
        return
    mode = config.getoption("asyncio_mode", None) or config.getini("asyncio_mode")
    if mode == "auto" or metafunc.definition.get_closest_marker("asyncio") is not None:
        name = metafunc.definition.nodeid
        _refuse(f"{name}: this pytest-asyncio cannot be given a clock: the mark warp needs 1.4 or later")


def _loop_factory(warp: pytest.Mark, name: str) -> "LoopFactory":
    """Return what makes the loop that a mark asks for; stops where it names options that there are not."""
    from hbprobe.errors import RequestError
    from hbprobe.testing.loop import LoopFactory

    if warp.args:
        _refuse(f"{name}: the mark warp takes its options by name")
    known = LoopFactory.__slots__
    if unknown := next((option for option in warp.kwargs if option not in known), None):
        _refuse(f"{name}: the mark warp has no option {unknown!r} (it has {', '.join(known)})")
    try:
        return LoopFactory(**warp.kwargs)
    except RequestError as error:
        _refuse(f"{name}: the mark warp: {error}")


def _choose_backend(metafunc: pytest.Metafunc, loops: "LoopFactory") -> None:
    """Have anyio run a test on asyncio with such a loop."""
    for mark in metafunc.definition.iter_markers("parametrize"):
        said = mark.args[0] if mark.args else mark.kwargs.get("argnames", ())
        names = [word.strip() for word in said.split(",")] if isinstance(said, str) else said
        if "anyio_backend" in names:
            name = metafunc.definition.nodeid
            _refuse(f"{name}: the mark warp chooses anyio's backend: do not parametrize anyio_backend")
    backend = ("asyncio", {"loop_factory": loops})
    metafunc.definition.add_marker(pytest.mark.parametrize("anyio_backend", [backend], ids=["warp"], scope="module"))


def _is_coroutine(function: object) -> bool:
    """Return whether a test is one, or what Hypothesis has made of one."""
    hypothesis = getattr(function, "hypothesis", None)
    return inspect.iscoroutinefunction(function if hypothesis is None else hypothesis.inner_test)
