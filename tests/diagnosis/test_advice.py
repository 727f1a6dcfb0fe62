"""What to do about a limit, for both sides."""

import pytest

from hbprobe.diagnosis.advice import Advice, Party, advise, beyond_it, enough_s
from hbprobe.exchange.settings import Settings
from hbprobe.exchange.verdict import judge
from hbprobe.manner import Manner
from hbprobe.trial.outcome import Cause, Limit

CUT = Limit(599.5, 600.5, Manner.SILENT)


def advised(limit, *, verdict=True, configure=None, maybe=False, alone=False, most_s=None):
    judged = judge(limit.survived_s, limit.cut_s, limit.manner, Settings()) if verdict and limit.is_known else None
    servers = {"may_be_servers": maybe or alone, "is_servers_alone": alone}
    return advise(limit, judged, "a-box", configure, **servers, most_s=most_s)


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
        (CUT, {"alone": True}, [Party.SERVER, Party.NOBODY], "at the server"),
        (
            CUT,
            {"maybe": True, "verdict": False},
            [Party.SERVER, Party.APPLICATION, Party.NOBODY],
            "at the server: its own timer",
        ),
        (
            Limit(599, 600, causes=(Cause.ANSWERED_LATE, Cause.HELD_BY_PROXY)),
            {"verdict": False},
            [Party.NOBODY, Party.APPLICATION],
            "or look at the server, which answered later than it was asked to: then no timer is to blame",
        ),
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


def test_a_timer_that_the_product_cannot_have_is_not_asked_for():
    (box, _), (enough, _) = (advised(CUT, configure="x {seconds}", most_s=most_s) for most_s in (900, 1740))
    assert (box.configure, box.most_s) == (None, 900)
    assert box.text == (
        "on a-box: its timer goes up to 900 s, and 1740 s (29 min) would be enough: publish Exchange past this box, "
        "or set MaxHeartbeatInterval below 900 s and HeartbeatAlertThreshold below that, which saves the requests of "
        "clients that heed it, not those of Outlook's app"
    )
    assert enough.configure == "x {seconds}"


def test_what_exchange_has_to_be_set_to_then_is_legal_and_helps():
    settings = Settings(60, 150, 200, 100)
    judged = judge(179.5, 180, Manner.STATUS, settings)
    assert {one.id: one.lost_share for one in judged.devices if not one.id.startswith("outlook")} == {
        "android-4.4": 0,
        "ios": 0,
        "nacho-mail": 0,
    }
    assert not any(one.event_1040 for one in judged.devices)
    assert beyond_it(119) == "publish Exchange past this box", "MinHeartbeatInterval is in the way"


def test_lines_become_one_sentence():
    told = Advice(Party.BOX, "longer", "config system session-ttl\n    set default 1740\nend")
    assert told.sentence == "longer, set by: config system session-ttl; set default 1740; end"


def test_which_timer_is_enough():
    verdict = judge(599.5, 600.5, Manner.SILENT, Settings())
    assert enough_s(CUT, verdict) == 1740 and enough_s(CUT, None) is None
    assert enough_s(Limit(1800, 1801), verdict) is None and enough_s(Limit(3540, None), verdict) is None
