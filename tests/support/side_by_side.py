"""What processes that run tests side by side would each do again is done once, by the one that starts them.

pytest rewrites a module's assertions when it imports it, and Hypothesis looks for numbers and texts in it. Both keep
what comes of that for the next run; but processes that start together in a fresh copy find nothing yet, and each
would work on all modules for ten seconds.
"""

import contextlib
import os
import sys
import types
from pathlib import Path

import pytest
from _pytest.assertion import rewrite
from xdist.scheduler import LoadGroupScheduling


@pytest.hookimpl(tryfirst=True)  # before the others are started
def pytest_sessionstart(session):
    config = session.config
    if hasattr(config, "workerinput") or not config.option.tx or sys.dont_write_bytecode or not hasattr(os, "fork"):
        return
    modules = sorted(_modules(config.args))
    processors = os.cpu_count() or 1
    started = []
    for share in range(processors):
        if (pid := os.fork()) == 0:
            with contextlib.suppress(BaseException):  # a module that is at fault is met again, and told of, elsewhere
                _compile(modules[share::processors], config)
                _look_into(modules[share::processors], texts=share == 0)
            os._exit(0)
        started.append(pid)
    for pid in started:
        os.waitpid(pid, 0)


def pytest_xdist_make_scheduler(config, log):
    return _Scheduler(config, log)


class _Scheduler(LoadGroupScheduling):
    """Forgets groups that are done: with each test, xdist counts through all that a process was ever given."""

    def mark_test_complete(self, node, item_index, duration=0):
        super().mark_test_complete(node, item_index, duration)
        group = self._split_scope(self.registered_collections[node][item_index])
        if all(self.assigned_work[node][group].values()):
            del self.assigned_work[node][group]


def _modules(arguments):
    for argument in arguments:
        for name in ("conftest.py", "test_*.py"):
            yield from Path(argument.partition("::")[0]).resolve().rglob(name)


def _compile(modules, config):
    """Do what the rewriting hook does (exec_module), without running the module."""
    for module in modules:
        folder = rewrite.get_cache_dir(module)
        bytecode = folder / f"{module.stem}{rewrite.PYC_TAIL}"
        if rewrite._read_pyc(module, bytecode) is None:
            folder.mkdir(parents=True, exist_ok=True)
            stat, code = rewrite._rewrite_test(module, config)
            rewrite._write_pyc(config.stash[rewrite.assertstate_key], code, stat, bytecode)


def _look_into(modules, *, texts):
    from hypothesis.internal.charmap import intervals_from_codec
    from hypothesis.internal.constants_ast import constants_from_module

    if texts:
        intervals_from_codec("utf-8")
    for module in modules:
        named = types.ModuleType(module.stem)
        named.__file__ = str(module)
        constants_from_module(named)
