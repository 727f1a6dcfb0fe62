"""Shuts the doors that only Linux has, before hbprobe is imported: `-p support.elsewhere`, with the system's name in
HBPROBE_TESTS_AS (darwin or win32). The tests that do not need Linux then run as they would there, as far as a Linux
below can show it: hbprobe's own code and the tests see the other name, and sockets without what that system lacks.
"""

import importlib.abc
import importlib.machinery
import os
import select
import selectors
import signal
import socket
import sys

import pytest
import scapy.all  # noqa: F401  it looks at the system's name when it is imported, and is not ours

SYSTEM = os.environ.get("HBPROBE_TESTS_AS", "darwin")
ONLY_LINUX = {
    socket: ("AF_PACKET", "SO_BINDTODEVICE", "TCP_INFO", "TCP_KEEPIDLE", "TCP_QUICKACK", "TCP_USER_TIMEOUT"),
    select: ("epoll",),
    os: ("sched_getaffinity", "sched_setaffinity"),
}
if hasattr(os, "process_cpu_count"):  # from Python 3.13 on; there it asks sched_getaffinity, elsewhere it does not
    os.process_cpu_count = os.cpu_count
ONLY_UNIX = {signal: ("SIGHUP",), os: ("nice", "mkfifo")}


class Loader(importlib.machinery.SourceFileLoader):
    """Loads a module of ours as the other system would run it."""

    def get_code(self, fullname):
        source = self.get_data(self.path).replace(b"sys.platform", repr(SYSTEM).encode())
        return compile(source, self.path, "exec", dont_inherit=True)


class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] != "hbprobe":
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and isinstance(spec.loader, importlib.machinery.SourceFileLoader):
            spec.loader = Loader(name, spec.origin)
        return spec


def shut(doors):
    for module, names in doors.items():
        for name in names:
            if hasattr(module, name):
                delattr(module, name)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    """Let marks such as `skipif(sys.platform != "linux")` see the other system."""
    real, sys.platform = sys.platform, SYSTEM
    try:
        return (yield)
    finally:
        sys.platform = real


assert "hbprobe" not in sys.modules, "too late: name this plugin with -p"
shut(ONLY_LINUX | ({module: ONLY_UNIX[module] for module in ONLY_UNIX} if SYSTEM == "win32" else {}))
selectors.DefaultSelector = selectors.SelectSelector if SYSTEM == "win32" else selectors.PollSelector
sys.meta_path.insert(0, Finder())
