import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hbprobe.fleet.mail import DAY_S, MailDay

OFFICE = [0] * 8 + [2] * 10 + [1] * 6
EVEN = MailDay(24, [1] * 24)


@pytest.mark.parametrize(
    ("mail", "now", "further", "next_s"),
    [
        (EVEN, 0, 1, 3600),
        (EVEN, 1800, 0.5, 3600),
        (EVEN, 86_399, 1, 89_999),
        (EVEN, 0, 48, 172_800),
        (MailDay(2, [0] * 9 + [1, 1] + [0] * 13), 0, 1.5, 10.5 * 3600),
        (MailDay(2, [0] * 9 + [1, 1] + [0] * 13), 12 * 3600, 0.5, DAY_S + 9.5 * 3600),
        (MailDay(0, [1] * 24), 5, 1, math.inf),
    ],
)
def test_mail_comes_when_so_many_are_to_be_expected(mail, now, further, next_s):
    assert mail.next_after(now, further) == pytest.approx(next_s)


@given(
    st.sampled_from([EVEN, MailDay(40, OFFICE), MailDay(0.3, [0] * 23 + [1]), MailDay(0, OFFICE)]),
    st.floats(0, 1e7),
    st.floats(0, 100),
)
def test_one_time_and_arrays_agree_and_mail_is_never_in_the_past(mail, now, further):
    next_s = mail.next_after(now, further)
    assert mail.next_after_all(np.array([now]), np.array([further]))[0] == next_s >= now


def test_mail_keeps_to_its_hours_and_its_number():
    mail, rng = MailDay(40, OFFICE), np.random.default_rng(1)
    times, now = [], 0.0
    while now < 200 * DAY_S:
        now = mail.next_after(now, rng.exponential())
        times.append(now)
    hours = np.array(times) % DAY_S // 3600
    assert len(times) / 200 == pytest.approx(40, rel=0.04)
    assert np.count_nonzero(hours < 8) == 0
    assert np.mean(hours < 18) == pytest.approx(20 / 26, abs=0.02)


def test_other_mail_at_the_same_hours():
    assert MailDay(2, OFFICE).scaled(40).next_after(0, 3) == MailDay(40, OFFICE).next_after(0, 3)
    assert MailDay(2, OFFICE).scaled(40).per_day == 40
