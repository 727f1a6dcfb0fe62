"""The pytest plugin, under each runner of asynchronous tests."""

import fnmatch
import subprocess
import sys
import textwrap
from types import SimpleNamespace

import pytest

import hbprobe.testing.box  # noqa: F401 - modules that the inner pytest imports first are forgotten with it
from hbprobe.testing import plugin

HEAD = """
    import asyncio, contextlib, time, threading
    from time import monotonic
    import pytest
    import hbprobe.testing

    def hour():
        return pytest.approx(3600)

    @contextlib.asynccontextmanager
    async def echoing():
        async def echo(reader, writer):
            with contextlib.suppress(OSError):
                while data := await reader.read(100):
                    writer.write(data)
        server = await asyncio.start_server(echo, "127.0.0.1", 0)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()
"""


@pytest.fixture
def runs(pytester):
    """Run a file of tests with pytest and this plugin in this process; others only where they are named."""

    def run(text, *arguments, plugins=()):
        pytester.makepyfile(textwrap.dedent(HEAD) + textwrap.dedent(text))
        others = {"asyncio", "anyio", "xdist", "hypothesispytest"} - set(plugins)
        off = [word for plugin in sorted(others) for word in ("-p", f"no:{plugin}")]
        if "asyncio" in plugins:
            off += ["-o", "asyncio_default_fixture_loop_scope=function"]  # or it warns
        return pytester.runpytest("-q", "--strict-markers", *off, *arguments)

    return run


TWO_TESTS = """
    @pytest.mark.warp
    async def test_passes():
        before = monotonic()
        await asyncio.sleep(3600)
        assert monotonic() - before == hour()

    @pytest.mark.warp(monotonic=False)
    async def test_fails():
        before = monotonic()
        await asyncio.sleep(3600)
        assert monotonic() - before == hour()
"""


# The clock under each runner


def test_with_no_other_plugin(runs):
    runs(TWO_TESTS).assert_outcomes(passed=1, failed=1)


def test_beside_pytest_asyncio(runs):
    pytest.importorskip("pytest_asyncio")
    text = """
    import pytest_asyncio

    @pytest_asyncio.fixture
    async def an_hour_later():
        await asyncio.sleep(3600)
        return asyncio.get_running_loop().time()

    @pytest.mark.asyncio
    @pytest.mark.warp
    async def test_on_the_clock(an_hour_later):
        before = monotonic()
        await asyncio.sleep(3600)
        assert (an_hour_later, monotonic() - before) == (hour(), hour())

    @pytest.mark.asyncio
    async def test_in_real_time():
        assert not isinstance(asyncio.get_running_loop(), hbprobe.testing.WarpLoop)
    """
    result = runs(textwrap.dedent(text) + textwrap.dedent(TWO_TESTS), "-vv", plugins=["asyncio"])
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(["*::test_in_real_time PASSED*"])  # whatever else runs keeps its name


def test_pytest_asyncio_in_auto_mode(runs):
    pytest.importorskip("pytest_asyncio")
    runs(TWO_TESTS, "-o", "asyncio_mode=auto", plugins=["asyncio"]).assert_outcomes(passed=1, failed=1)


def test_beside_anyio(runs):
    pytest.importorskip("anyio")
    text = """
    @pytest.fixture
    async def an_hour_later():
        await asyncio.sleep(3600)
        return asyncio.get_running_loop().time()

    @pytest.mark.anyio
    @pytest.mark.warp
    async def test_on_the_clock(an_hour_later):
        before = monotonic()
        await asyncio.sleep(3600)
        assert (an_hour_later, monotonic() - before) == (hour(), hour())

    @pytest.mark.anyio
    @pytest.mark.parametrize("anyio_backend", ["asyncio"])
    async def test_in_real_time(anyio_backend):
        assert not isinstance(asyncio.get_running_loop(), hbprobe.testing.WarpLoop)
    """
    runs(textwrap.dedent(text) + textwrap.dedent(TWO_TESTS), plugins=["anyio"]).assert_outcomes(passed=3, failed=1)


def of_a_module(runner, warp=""):
    """Tests that talk to the server of one fixture, which is of wider scope than they are."""
    return f"""
    import pytest_asyncio
    MADE = []

    @{runner}
    async def port():
        MADE.append(asyncio.get_running_loop())
        async def answer(reader, writer):
            writer.write(await reader.read(1))
            writer.close()
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        yield server.sockets[0].getsockname()[1]
        server.close()

    async def asks(port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"x")
        assert await reader.read(1) == b"x"
        writer.close()
        await writer.wait_closed()
        return MADE[-1] is asyncio.get_running_loop()

    {warp}
    """


@pytest.mark.parametrize("scope", ["class", "module", "package", "session"])
def test_a_loop_and_its_fixtures_last_as_long_as_their_scope(runs, scope):
    pytest.importorskip("pytest_asyncio")
    text = (
        of_a_module(f"pytest_asyncio.fixture(loop_scope={scope!r}, scope={scope!r})")
        + f"""
    @pytest.mark.asyncio(loop_scope={scope!r})
    @pytest.mark.warp
    class TestAll:
        async def test_one(self, port):
            assert await asks(port)

        @pytest.mark.warp(limit="24h")
        async def test_two(self, port):
            assert await asks(port)
            assert len(MADE) == 1
    """
    )
    runs(text, plugins=["asyncio"]).assert_outcomes(passed=2)


def test_tests_with_other_clocks_get_fixtures_that_live_on_theirs(runs):
    """Whatever the order: on the clock, in real time, with another limit, and back."""
    pytest.importorskip("pytest_asyncio")
    marks = ["", "@pytest.mark.warp", "@pytest.mark.warp(limit='2h')", "@pytest.mark.warp", ""]
    tests = [
        f"""
    {mark}
    @pytest.mark.asyncio(loop_scope="module")
    async def test_{number}(port):
        assert await asks(port)
    """
        for number, mark in enumerate(marks)
    ]
    text = of_a_module("pytest_asyncio.fixture(loop_scope='module', scope='module')") + "".join(tests)
    runs(text, plugins=["asyncio"]).assert_outcomes(passed=5)


def test_anyio_keeps_the_fixtures_of_a_module(runs):
    pytest.importorskip("anyio")
    text = (
        of_a_module("pytest.fixture(scope='module')", "pytestmark = [pytest.mark.anyio, pytest.mark.warp]")
        + """
    async def test_one(port):
        assert await asks(port)

    async def test_two(port):
        assert await asks(port)
        assert len(MADE) == 1
    """
    )
    runs(text.replace("import pytest_asyncio", ""), plugins=["anyio"]).assert_outcomes(passed=2)


def test_under_xdist(runs):
    result = runs(TWO_TESTS, "-n", "1", plugins=["xdist"])
    result.assert_outcomes(passed=1, failed=1)


def test_a_test_that_hangs_fails(runs):
    result = runs(
        """
    import hbprobe.testing.loop
    hbprobe.testing.loop._PATIENCE_S = 0

    @pytest.mark.warp
    async def test_hangs():
        await asyncio.Event().wait()

    @pytest.mark.warp(limit="2h")
    async def test_never_ends():
        while True:
            await asyncio.sleep(60)
    """
    )
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        ["E *StuckError: nothing can ever wake this*", "E *in test_hangs*", "E *StuckError: 2 h of path time*"]
    )
    result.stdout.no_fnmatch_line("*plugin.py*")


def test_a_class_of_tests(runs):
    runs(
        """
    @pytest.mark.warp
    class TestClock:
        async def test_passes(self):
            await asyncio.sleep(3600)
            assert asyncio.get_running_loop().time() == hour()
    """
    ).assert_outcomes(passed=1)


def test_a_module_in_which_not_all_are_coroutines(runs):
    runs(
        """
    pytestmark = pytest.mark.warp

    def test_plain():
        pass

    async def test_clock():
        await asyncio.sleep(3600)
    """
    ).assert_outcomes(passed=2)


def test_with_hypothesis(runs):
    result = runs(
        """
    from hypothesis import given, settings, strategies as st
    slept = []

    @pytest.mark.warp
    @settings(max_examples=5, database=None)
    @given(hours=st.integers(1, 1000))
    async def test_each(hours):
        before = monotonic()
        await asyncio.sleep(hours * 60)
        assert monotonic() - before == pytest.approx(hours * 60)
        slept.append(hours)

    def test_it_ran():
        assert len(slept) == 5
    """,
        plugins=["hypothesispytest"],
    )
    result.assert_outcomes(passed=2)


# Boxes


def test_a_client_behind_the_fault_proxy(runs):
    result = runs(
        """
    @pytest.mark.warp
    async def test_client(hbprobe_toxiproxy):
        toxic = {"type": "idle_drop", "attributes": {"profile": "azure-load-balancer"}}
        async with echoing() as port:
            db = {"name": "db", "upstream": f"127.0.0.1:{port}", "toxics": [toxic]}
            async with hbprobe_toxiproxy(db) as faults:
                reader, writer = await asyncio.open_connection(*faults.address("db"))
                await asyncio.sleep(3600)
                writer.write(b"x")
                try:
                    assert await asyncio.wait_for(reader.read(1), 60) == b"x"
                finally:
                    writer.transport.abort()
    """,
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*hbprobe: what the boxes did*",
            "the fault proxy",
            "  0 s: db toxic-added: toxic idle_drop_downstream (profile azure-load-balancer, *)",
            "  * s: db ended: connection 1, client 127.0.0.1:*, toxic idle_drop_downstream, how silent, timer idle",
        ]
    )


def test_a_client_behind_two_boxes(runs):
    result = runs(
        """
    @pytest.mark.warp
    @pytest.mark.hbprobe_profiles("open-path", "azure-load-balancer")
    async def test_client(hbprobe_box, profile):
        async with echoing() as port, hbprobe_box(port, profile) as box:
            reader, writer = await asyncio.open_connection(box.host, box.port)
            await asyncio.sleep(3600)
            writer.write(b"x")
            try:
                assert await asyncio.wait_for(reader.read(1), 60) == b"x"
            finally:
                writer.transport.abort()
    """,
    )
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "*hbprobe: what the boxes did*",
            "azure-load-balancer (idle 4 min: silent)",
            "  240 s: idle ended connection 1, from 127.0.0.1:*, 240 s after it was last set back: silent",
            "FAILED *test_client?azure-load-balancer?*",
        ]
    )


def test_a_box_that_nobody_used(runs):
    result = runs(
        """
    @pytest.mark.warp
    async def test_client(hbprobe_box):
        async with hbprobe_box(1, "open-path") as box:
            assert box.expired
    """,
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["open-path (no timers)", "  no connection went through it"])


def test_a_test_that_blocks_has_a_box_in_a_thread(runs):
    result = runs(
        """
    import socket

    def test_client(hbprobe_box):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            with hbprobe_box(listener.getsockname()[1], idle="1h") as box:
                with socket.create_connection((box.host, box.port)) as client, listener.accept()[0] as server:
                    box.forget()
                    client.settimeout(0.01)
                    assert not box.expired
    """
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["ten-minute-provider (idle 1 h: silent)", "  * s: idle ended connection 1*"])


def test_a_test_without_boxes_says_nothing_of_them(runs):
    runs("def test_fails(): assert False").stdout.no_fnmatch_line("*hbprobe*")


def test_a_category(runs):
    result = runs(
        """
    @pytest.mark.hbprobe_profiles("example")
    def test_each(profile):
        assert profile in ("open-path", "ten-minute-provider")
    """
    )
    result.assert_outcomes(passed=2)


def test_a_profile_of_the_users_own_is_no_business_of_ours(runs):
    runs(
        """
    @pytest.fixture
    def profile():
        return "theirs"

    def test_theirs(profile):
        assert profile == "theirs"
    """
    ).assert_outcomes(passed=1)


# Mistakes


def fnmatch_any(lines, pattern):
    return any(fnmatch.fnmatch(line, pattern) for line in lines)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("@pytest.mark.warp\ndef test_x(): pass", "::test_x: the mark warp is for coroutines: write `async def`"),
        ("@pytest.mark.warp(1)\nasync def test_x(): pass", "::test_x: the mark warp takes its options by name"),
        (
            "@pytest.mark.warp(limt=3)\nasync def test_x(): pass",
            "::test_x: the mark warp has no option 'limt' (it has settle, limit, monotonic)",
        ),
        (
            "@pytest.mark.warp(limit='5 parsecs')\nasync def test_x(): pass",
            "::test_x: the mark warp: limit: '5 parsecs' has an unknown unit 'parsecs': *",
        ),
        (
            "@pytest.mark.warp(settle=-1)\nasync def test_x(): pass",
            "::test_x: the mark warp: settle: -1 is below 0: *",
        ),
        (
            "@pytest.mark.warp(monotonic=0)\nasync def test_x(): pass",
            "::test_x: the mark warp: monotonic: give True or False, not a whole number",
        ),
        (
            "@pytest.mark.hbprobe_profiles('azur')\ndef test_x(profile): pass",
            "::test_x: no profile called 'azur'; near: *",
        ),
        (
            "@pytest.mark.hbprobe_profiles('open-path')\ndef test_x(): pass",
            "::test_x: the mark hbprobe_profiles is for a test with an argument `profile`",
        ),
    ],
)
def test_a_mark_that_is_used_wrong(runs, text, message):
    result = runs(text)
    assert result.ret is pytest.ExitCode.INTERRUPTED
    assert fnmatch_any(result.outlines, f"*{message}")
    assert not fnmatch_any(result.outlines, "*plugin.py*")


@pytest.mark.parametrize("names", ["'anyio_backend'", "'x, anyio_backend'", "['anyio_backend', 'x']"])
def test_the_backend_of_anyio_is_the_clocks_business(runs, names):
    pytest.importorskip("anyio")
    mark = f"@pytest.mark.parametrize({names}, [('asyncio', 'asyncio')])"
    text = f"@pytest.mark.anyio\n@pytest.mark.warp\n{mark}\nasync def test_x(anyio_backend, x): pass"
    lines = runs(text, plugins=["anyio"]).outlines
    assert fnmatch_any(lines, "*::test_x: the mark warp chooses anyio's backend: do not parametrize anyio_backend")


@pytest.mark.parametrize(("mode", "mark"), [("strict", object()), ("auto", None)])
def test_a_pytest_asyncio_that_takes_no_loop(mode, mark):
    """Before 1.4 it would run the test in real time."""
    config = SimpleNamespace(
        pluginmanager=SimpleNamespace(has_plugin=lambda name: name == "asyncio"),
        hook=SimpleNamespace(),
        getoption=lambda *_: None,
        getini=lambda _: mode,
    )
    definition = SimpleNamespace(nodeid="test_a.py::test_x", get_closest_marker=lambda _: mark)
    with pytest.raises(
        pytest.fail.Exception, match=r"^test_a.py::test_x: this pytest-asyncio cannot be given a clock"
    ):
        plugin._require_loop_factories(SimpleNamespace(config=config, definition=definition))


# What it costs


def test_loading_it_loads_nothing_else():
    program = (
        "import sys, pytest; before = set(sys.modules); import hbprobe.testing.plugin; "
        "print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["hbprobe", "hbprobe.testing", "hbprobe.testing.plugin"]
