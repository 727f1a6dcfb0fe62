"""How long a server asks to be left alone, and what its refusals say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hbprobe.eas.commands import CommandStatus
from hbprobe.eas.refusal import command_refusal, http_refusal, pause_told_s

DATE = "Sat, 01 Jan 2022 10:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "pause_s"),
    [
        ({}, None),
        ({"retry-after": "90"}, 90),
        ({"retry-after": " 90 "}, 90),
        ({"retry-after": "0"}, 0),
        ({"retry-after": "Sat, 01 Jan 2022 10:02:00 GMT", "date": DATE}, 120),
        ({"retry-after": "Sat, 01 Jan 2022 09:00:00 GMT", "date": DATE}, 0),
        ({"retry-after": "Sat, 01 Jan 2022 10:02:00 GMT"}, None),
        ({"retry-after": "soon", "date": DATE}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "1.5"}, None),
        ({"retry-after": "٣"}, None),
        ({"x-ms-backoffduration": "L/470"}, 470),
        ({"x-ms-backoffduration": "470"}, 470),
        ({"x-ms-backoffduration": "L/-470"}, None),
        ({"x-ms-backoffduration": "L/0"}, None),
        ({"x-ms-backoffduration": "L/470", "retry-after": "900"}, 900),
    ],
)
def test_how_long_to_wait(headers, pause_s):
    assert pause_told_s(headers) == pause_s


@given(st.dictionaries(st.sampled_from(["retry-after", "date", "x-ms-backoffduration"]), st.text(max_size=40)))
def test_no_header_breaks_it(headers):
    pause_s = pause_told_s(headers)
    assert pause_s is None or 0 <= pause_s < 1e12


@given(st.integers(100, 999), st.binary(max_size=20))
def test_every_status_but_200_is_a_refusal_with_a_mend(status, body):
    refusal = http_refusal(status, {}, body)
    if status == 200:
        assert refusal is None
    else:
        assert refusal.status == status
        assert refusal.reason.startswith(f"status {status}")
        assert refusal.mend


@pytest.mark.parametrize("status", [status for status in CommandStatus if status != CommandStatus.TOO_MANY_FOLDERS])
def test_every_command_status_is_known(status):
    refusal = command_refusal(status)
    assert refusal.reason.startswith(f"command status {status.value}: ")
    assert refusal.mend
    assert refusal.pause_s is None


@pytest.mark.parametrize("status", [1, 2, 8, 100, 178])
def test_other_statuses_are_the_commands_own(status):
    assert command_refusal(status) is None


@pytest.mark.parametrize("status", [401, 403])
def test_a_throttle_header_lets_nobody_ask_again_who_was_turned_away(status):
    refusal = http_refusal(status, {"retry-after": "5", "x-ms-asthrottle": "Unknown"})
    assert refusal.pause_s is None
    assert "throttles" not in refusal.reason


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_server_that_names_no_time_gets_a_minute(status):
    assert http_refusal(status, {}).pause_s == 60


@pytest.mark.parametrize(
    ("status", "header"),
    [(302, "location"), (451, "x-ms-location"), (403, "x-ms-asthrottle"), (503, "x-ms-asthrottle")],
)
def test_what_the_server_says_is_cut_short(status, header):
    assert 150 < len(http_refusal(status, {header: "x" * 15_000}).reason) < 400


def test_a_token_in_a_redirect_is_left_out():
    refusal = http_refusal(302, {"location": "https://login/?token=Geheim42"})
    assert refusal.reason.endswith("https://login/?token=***")
