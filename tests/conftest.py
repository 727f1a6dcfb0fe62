"""What tests of several rooms share: each fixture lives in a module of `support/`."""

import signal

pytest_plugins = ["support.peers", "support.facts", "support.results", "support.boxes"]


def pytest_configure():
    """Undo what a shell does to its background jobs: what is ignored here would be ignored by every program that a
    test starts, too, and none that is stopped with SIGINT or SIGTERM would end."""
    for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGTERM, signal.SIG_DFL)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, handler)
