"""Who is told of what."""

from hbprobe.errors import UserError
from hbprobe.exchange.window import Command, Event1040
from hbprobe.standin.recorders import Forgiving, Recent, Several

EVENT = Event1040(5.0, 526, Command.PING, 540)


def test_the_last_few_are_kept(make_phone):
    recent = Recent()
    for number in range(250):
        recent.event_1040(Event1040(float(number), 500, Command.PING, 540))
    assert (len(recent.events), recent.events[0].at_s) == (200, 50.0)


def test_each_is_told(phone):
    first, second = Recent(), Recent()
    several = Several([first, second])
    several.event_1040(EVENT)
    several.request_done(phone.server.recent.requests[-1])
    assert (list(first.events), len(first.requests)) == ([EVENT], 1)
    assert (list(second.events), len(second.requests)) == ([EVENT], 1)


def test_a_recorder_that_fails_is_given_up():
    class Broken(Recent):
        def event_1040(self, event):
            raise UserError("the disk is full")

    why, broken = [], Broken()
    forgiving = Forgiving(broken, why.append)
    for _ in range(2):
        forgiving.event_1040(EVENT)
    forgiving.request_done(None)
    assert (why, list(broken.requests)) == (["the disk is full"], [])
