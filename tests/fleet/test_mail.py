import math
from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hbprobe.fleet import chance
from hbprobe.fleet.mail import DAY_S, Mailbox, Mailboxes, MailDay

OFFICE = [0] * 8 + [2] * 10 + [1] * 6
EVEN = MailDay(24, [1] * 24)
LATE_MORNING = MailDay(2, [0] * 9 + [1, 1] + [0] * 13)
PARTS = 2**30
days = st.sampled_from(
    [EVEN, MailDay(40, OFFICE), MailDay(0.3, [0] * 23 + [1]), MailDay(0, OFFICE), MailDay(9e4, OFFICE)]
)


@pytest.mark.parametrize(
    ("mail", "mails", "at_s"),
    [
        (EVEN, 1, 3600),
        (EVEN, 0.5, 1800),
        (EVEN, 48, 172_800),
        (LATE_MORNING, 1.5, 10.5 * 3600),
        (LATE_MORNING, 2.5, DAY_S + 9.5 * 3600),
        (MailDay(0, [1] * 24), 1, math.inf),
    ],
)
def test_mail_comes_when_so_many_are_to_be_expected(mail, mails, at_s):
    assert mail.when(round(mails * PARTS)) == pytest.approx(at_s)
    assert mail.when_all(np.array([round(mails * PARTS)]))[0] == mail.when(round(mails * PARTS))


@pytest.mark.parametrize(
    ("mail", "until_s", "mails"), [(EVEN, 5400, 1.5), (LATE_MORNING, 12 * 3600, 2), (LATE_MORNING, DAY_S, 2)]
)
def test_so_many_mails_are_to_be_expected(mail, until_s, mails):
    assert mail.expected(np.array([float(until_s)]))[0] == round(mails * PARTS)


@given(days, st.lists(st.floats(0, 1e6), min_size=1, max_size=4), st.floats(0, 3000))
def test_one_mailbox_and_many_agree_and_mail_is_never_in_the_past(day, starts_s, further_s):
    key = chance.keys(3, np.arange(len(starts_s)))
    many, those = Mailboxes(day, key, np.array(starts_s)), np.arange(len(starts_s))
    each = [Mailbox(day, chance.key(3, device), start_s) for device, start_s in enumerate(starts_s)]
    before_s = np.array(starts_s)
    for _ in range(2 * Mailboxes.BLOCK):
        next_s = many.next_s(those)
        assert next_s.tolist() == [mailbox.next_s for mailbox in each]
        assert (next_s >= before_s).all()
        before_s = next_s
        if day.per_day == 0:
            return
        many.take(those)
        for mailbox in each:
            mailbox.take()
    later_s = before_s + min(further_s, 100 * DAY_S / day.per_day)
    many.leave_until(those, later_s)
    for mailbox, at_s in zip(each, later_s.tolist(), strict=True):
        mailbox.leave_until(at_s)
    assert many.next_s(those).tolist() == [mailbox.next_s for mailbox in each]


def mails(mailbox):
    while True:
        yield mailbox.next_s
        mailbox.take()


def test_mail_keeps_to_its_hours_and_its_number():
    times = np.array(list(islice(mails(Mailbox(MailDay(40, OFFICE), 1, 0.0)), 8000)))
    hours = times % DAY_S // 3600
    assert times[-1] / DAY_S == pytest.approx(200, rel=0.04)
    assert np.count_nonzero(hours < 8) == 0
    assert np.mean(hours < 18) == pytest.approx(20 / 26, abs=0.02)


def test_other_mail_at_the_same_hours():
    assert MailDay(2, OFFICE).scaled(40).when(3 * PARTS) == MailDay(40, OFFICE).when(3 * PARTS)
    assert MailDay(2, OFFICE).scaled(40).per_day == 40
