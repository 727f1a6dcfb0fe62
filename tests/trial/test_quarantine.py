"""Whether a server tells a device of changes at all."""

import pytest

from hbprobe.eas.commands import PingAnswer
from hbprobe.net.replies import Answer, End, EndKind
from hbprobe.trial.quarantine import MAYBE, QUARANTINE, QuarantineCheck, read_quarantine_check


def answered(status, *, http=200, headers=None):
    return Answer(http, PingAnswer(status).encode(), 0.0, headers or {})


def check(reply, elapsed_s=60.0, *, is_exchange=True):
    return read_quarantine_check(reply, 60, elapsed_s, is_exchange=is_exchange)


def test_changes_at_once_are_no_quarantine():
    assert check(answered(2), 0.1) == QuarantineCheck(told=True)
    assert check(answered(2), 0.1).words == "the server tells this device of changes"


def test_of_exchange_a_ping_that_was_quiet_means_quarantine():
    assert check(answered(1)) == QuarantineCheck(told=False, refusal=QUARANTINE)
    assert check(answered(1), 59.6).refusal is QUARANTINE


def test_of_another_server_it_is_worth_a_note():
    found = check(answered(1), is_exchange=False)
    assert (found.told, found.refusal, found.words) == (False, None, MAYBE)


@pytest.mark.parametrize(
    ("reply", "elapsed_s"),
    [
        (answered(1), 30.0),
        (answered(7), 60.0),
        (answered(1, http=503), 60.0),
        (Answer(200, b"no WBXML", 0.0, {}), 60.0),
        (End(EndKind.RST, 0.0), 60.0),
        (None, 60.0),
    ],
    ids=["a newer Ping took its place", "another status", "HTTP says no", "no WBXML", "cut", "silence"],
)
def test_what_says_nothing(reply, elapsed_s):
    assert check(reply, elapsed_s) == QuarantineCheck(told=None)


def test_a_server_that_says_itself_that_it_does_not_push():
    found = check(answered(2, headers={"x-ms-nopush": ""}))
    assert (found.told, found.words) == (None, found.refusal.reason)
