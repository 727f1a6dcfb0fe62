"""What to do about a limit, for both sides."""

import pytest

from hbprobe.diagnosis.advice import Advice, Party, advise, enough_s
from hbprobe.exchange.settings import Settings
from hbprobe.exchange.verdict import judge
from hbprobe.manner import Manner
from hbprobe.trial.outcome import Cause, Limit

CUT = Limit(599.5, 600.5, Manner.SILENT)


def advised(limit, *, verdict=True, configure=None, own=False):
    judged = judge(limit.survived_s, limit.cut_s, limit.manner, Settings()) if verdict and limit.is_known else None
    return advise(limit, judged, "a-box", configure, is_servers_own=own)


def test_both_sides():
    box, application = advised(CUT, configure="timeout conn 0:29:00")
    assert (box.side, box.configure) == (Party.BOX, "timeout conn 0:29:00")
    assert box.sentence == "on a-box: an idle timeout of 1740 s (29 min) or more, set by: timeout conn 0:29:00"
    assert application.side is Party.APPLICATION and "more often than every 599.5 s" in application.text


@pytest.mark.parametrize(
    ("limit", "options", "sides", "text"),
    [
        (Limit(None, None), {}, [], None),
        (Limit(3540, None), {}, [Party.NOBODY], "nothing: no timer"),
        (Limit(599, 600, causes=(Cause.ANSWERED_LATE,)), {}, [Party.NOBODY], "look at the server"),
        (Limit(599, 600, causes=(Cause.PATH_DOWN,)), {}, [Party.NOBODY], "try again"),
        (CUT, {"own": True}, [Party.SERVER, Party.NOBODY], "at the server"),
        (CUT, {"verdict": False}, [Party.APPLICATION], "(299 s lets one be lost)"),
        (Limit(None, 60, Manner.STATUS), {"verdict": False}, [Party.APPLICATION], "well within 60 s"),
        (Limit(1800, 1801, Manner.SILENT), {"configure": "x"}, [Party.BOX, Party.APPLICATION], "nothing for these"),
    ],
)
def test_who_is_to_do_what(limit, options, sides, text):
    told = advised(limit, **options)
    assert [one.side for one in told] == sides
    assert text is None or text in told[0].text
    assert all(one.configure is None for one in told), "a command only where a timer is to be set"


def test_lines_become_one_sentence():
    told = Advice(Party.BOX, "longer", "config system session-ttl\n    set default 1740\nend")
    assert told.sentence == "longer, set by: config system session-ttl; set default 1740; end"


def test_which_timer_is_enough():
    verdict = judge(599.5, 600.5, Manner.SILENT, Settings())
    assert enough_s(CUT, verdict) == 1740 and enough_s(CUT, None) is None
    assert enough_s(Limit(1800, 1801), verdict) is None and enough_s(Limit(3540, None), verdict) is None
