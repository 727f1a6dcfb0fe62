"""What the tests of the command line share."""

import signal
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True, scope="session")
def _ctrl_c_is_heard() -> Iterator[None]:
    """Let programs that tests start hear SIGINT, also where this one was told to ignore it, as by nohup or `&`.

    A signal that is ignored stays ignored in what is started; one that is handled does not.
    """
    before = signal.getsignal(signal.SIGINT)
    if before is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
