"""What tests of several rooms share: each fixture lives in a module of `support/`. And how they run side by side.

`xdist_group` keeps tests in one process that share what is dear to make. What is dear is a fixture of the session:
tests of one file do not run one after the other here, and one of the module would be made again and again.
"""

import gc
import os
import signal
from pathlib import Path

import hypothesis
import pytest

hypothesis.settings.register_profile("however slow", deadline=None)
hypothesis.settings.load_profile("however slow")

pytest_plugins = [
    "pytester",
    "support.peers",
    "support.facts",
    "support.results",
    "support.boxes",
    "support.faults",
    "support.far_ends",
    "support.documents",
    "support.rounding",
    "support.side_by_side",
]
_NUMBERS = tuple(
    f"tests/{room}/" for room in ("evidence", "exchange", "fleet", "lab", "report/plots", "search", "statistics")
)
"""What counts and computes: every Python that can import it comes to the same."""
_OUTLIVES_A_KILL = (
    "tests/measure/test_killed_beside.py",
    "tests/net/test_certificates.py::test_kill_9_a_hundred_times_while_they_are_made",
    "tests/watch/test_killed.py",
)
"""What is in a file when its writer is gone, the file system decides, and the order of the writes."""
_OWN_TEXT = tuple(
    f"tests/test_{name}.py" for name in ("architecture", "documents", "names", "uncovered", "which_timer_document")
)
"""What is read there is the project's own text, which stays the same."""
_PARSES_THE_CODE = ("tests/test_architecture.py", "tests/test_names.py")
"""All of it, once."""
_IN_THE_KERNEL = ("tests/lab/kernel/", "tests/cli/test_kernel_lab.py")
"""Namespaces are numbered for the whole machine, and who looks for leftovers must not find another test's."""

_MADE_ONCE = (
    "tests/cli/test_report.py",
    "tests/evidence/logs/test_logs_document.py",
    "tests/profiles/test_schema.py",
    "tests/records/test_diagnosis.py",
    "tests/records/test_schemas.py",
    "tests/report/documents/test_past_evidence.py",
    "tests/report/documents/test_sections.py",
    "tests/report/plots/test_catalogue_plot.py",
    "tests/report/plots/test_fleet_pictures.py",
    "tests/report/plots/test_search_plot.py",
    "tests/test_seams.py",
    "tests/watch/test_every_method_watched.py",
    "tests/watch/test_live_table.py",
    "tests/web/test_watch_page.py",
)
"""Each with a fixture of the session that takes longer than most of its tests: in one process it is made once."""
_WITH_SCAPY = (
    "tests/evidence/captures/test_annotation.py::test_any_link_type_can_be_annotated",
    "tests/evidence/captures/test_headers.py::test_a_link_type_that_",
    "tests/evidence/captures/test_packet_records.py::test_no_bytes_break_the_readers",
    "tests/locate/test_route.py",
)
"""It takes a second to load."""


def pytest_configure():
    """Undo what a shell does to its background jobs: what is ignored here would be ignored by every program that a
    test starts, too, and none that is stopped with SIGINT or SIGTERM would end."""
    for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGTERM, signal.SIG_DFL)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, handler)


def pytest_sessionstart():
    """Collecting ten thousand tests makes much that stays, and nothing to be freed."""
    gc.disable()


def pytest_collection_finish():
    """Leave out of every later search for garbage what stays to the end: a tenth of the time went there."""
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
    gc.enable()


def pytest_xdist_auto_num_workers(config):
    """Return how many processes run tests: three more than processors, for some tests wait in real time; none for
    files that are named, which are done before others could have started."""
    named = [Path(argument.partition("::")[0]) for argument in config.args]
    return 0 if all(path.suffix == ".py" for path in named) else (os.cpu_count() or 1) + 3


def pytest_make_parametrize_id(val):
    """Name a long text by its beginning and its length: whole, one of 16 MB goes from each process to the one that
    hands out tests, and into each report."""
    if isinstance(val, str | bytes) and len(val) > 200:
        beginning = ascii(val[:40])[1 + isinstance(val, bytes) : -1]
        return f"{beginning}... ({len(val)})"
    return None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Spread the tests that wait evenly among those that work, so that the processors are never all idle.

    The last tenth only works: a test that waits for a quarter of a minute would end alone.
    """
    for item in items:
        if item.nodeid.startswith(_IN_THE_KERNEL):
            item.add_marker(pytest.mark.xdist_group("kernel lab"))
        if item.nodeid.startswith(_PARSES_THE_CODE):
            item.add_marker(pytest.mark.xdist_group("code"))
        if item.nodeid.startswith(_MADE_ONCE):
            item.add_marker(pytest.mark.xdist_group(item.path.stem))
        if item.nodeid.startswith(_WITH_SCAPY):
            item.add_marker(pytest.mark.xdist_group("scapy"))
        if item.nodeid.startswith((*_NUMBERS, *_IN_THE_KERNEL, *_OUTLIVES_A_KILL, *_OWN_TEXT)):
            item.add_marker(pytest.mark.once)
    waiting = [item for item in items if item.get_closest_marker("realtime")]
    working = [item for item in items if not item.get_closest_marker("realtime")]
    placed = {
        item: share * (place + 0.5) / len(kind)
        for kind, share in ((waiting, 0.9), (working, 1.0))
        for place, item in enumerate(kind)
    }
    items.sort(key=placed.__getitem__)
