"""A watch file with every method, whose targets are all measured once, on the warp clock."""

import asyncio
import contextlib
import json

import pytest

from hbprobe import warp
from hbprobe.trial.methods.table import METHODS
from hbprobe.watch.store import State, Store
from hbprobe.watch.watch import watch
from hbprobe.watch.watchfile import load_watch
from hbprobe.watch.writer import Writer

MONDAY = 1795446000.0
SEARCH = {"min": 100, "max": 600, "precision": 150, "connections": 2}
LONG_ENOUGH_S = 3000.0
"""For each search, and too short for a second measurement."""


@pytest.fixture(scope="session")
def watched(far_ends, tmp_path_factory):
    """What is in the database afterwards: the measurements, and the result of each, by the name of the method."""
    folder = tmp_path_factory.mktemp("watch")
    (folder / "password").write_text("s3cret\n", encoding="utf-8")
    (folder / "password").chmod(0o600)

    async def main():
        async with contextlib.AsyncExitStack() as stack:
            targets = []
            for name, row in METHODS.items():
                given = await stack.enter_async_context(far_ends.behind(name))
                login = {"user": "ada", "password_file": "password"} if row.needs_account else {}
                targets.append({"name": name, "search": SEARCH, **given, **login})
            file = folder / "watch.yaml"
            file.write_text(json.dumps({"interval": "6h", "targets": targets}), encoding="utf-8")
            loop, plan = asyncio.get_running_loop(), load_watch(file)
            async with Writer(plan.database, lambda _: None) as writer:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LONG_ENOUGH_S):
                        await watch(plan, writer, lambda: MONDAY + loop.time())
            return plan.database

    with Store(warp.run(main(), warp.WarpClock()), create=False) as store:
        return {one.target: (one, json.loads(store.result(one.id) or "null")) for one in store.measurements()}


@pytest.mark.parametrize("name", METHODS)
def test_it_is_measured_and_kept(watched, name):
    measurement, result = watched[name]
    assert measurement.state is State.DONE
    assert measurement.survived_s < 350 <= measurement.cut_s
    assert (result["method"], result["complete"]) == (name, True)
    assert (result.get("verdict") is not None) is METHODS[name].exchange
