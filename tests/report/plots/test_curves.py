from hbprobe.manner import Manner
from hbprobe.profiles.model import Profile
from hbprobe.report.plots.curves import Tried, of_profile, of_result
from hbprobe.trial.outcome import Kind, Limit, Outcome


def survived(hold_s):
    return hold_s, Outcome(Kind.SURVIVED, hold_s)


def silent(hold_s):
    return hold_s, Outcome(Kind.CUT, hold_s + 3, Manner.SILENT)


def failed(hold_s):
    return hold_s, Outcome(Kind.FAILED, 0.1, reason="refused")


def rounded(points):
    return [(round(hold_s, 6), round(share, 3)) for hold_s, share in points]


def test_silence_falls_between_what_survived_and_what_did_not(ten_minutes):
    curve = of_result(ten_minutes)
    assert rounded(curve.points) == [(0, 1), (599.5, 1), (600.5, 0), (3540, 0)]
    assert (curve.name, curve.limit, curve.falls_s) == ("a-box", "599.5 to 600.5 s", 600.5)
    assert curve.grey_zone is None


def test_an_exact_cut_falls_at_once(measure, cutting_at):
    curve = of_result(measure(cutting_at(60, Manner.CLOSED)))
    assert rounded(curve.points) == [(0, 1), (60, 1), (60, 0), (3540, 0)]
    assert curve.limit == "cut at 60 s"


def test_nothing_cut(measure, cutting_at):
    curve = of_result(measure(cutting_at(9999)))
    assert curve.points == ((0.0, 1.0), (3540.0, 1.0))
    assert (curve.limit, curve.falls_s) == ("not cut up to 3540 s", None)


def test_no_evidence(tried):
    curve = of_result(tried([failed(60)], Limit(None, None)))
    assert curve.points == ((0.0, 1.0),)
    assert (curve.limit, curve.tried) == ("no trial told anything", ())


def test_shares_are_those_of_the_trials(tried):
    trials = [
        survived(90),
        survived(90),
        *[survived(100)] * 3,
        silent(100),
        survived(110),
        *[silent(110)] * 3,
        silent(120),
    ]
    curve = of_result(tried(trials, Limit(100, 110, Manner.SILENT)))
    shares = dict(rounded(curve.points))
    assert (shares[90], shares[100], shares[110], shares[120]) == (1, 0.75, 0.25, 0)
    assert curve.tried == (Tried(90, 2, 2), Tried(100, 3, 4), Tried(110, 1, 4), Tried(120, 0, 1))
    assert curve.grey_zone == (100, 110)


def test_trials_that_speak_against_each_other_share_what_they_say(tried):
    curve = of_result(tried([survived(80), silent(90), survived(100), silent(120)], Limit(80, 90, Manner.SILENT)))
    assert dict(rounded(curve.points))[100] == 0.5
    assert curve.grey_zone == (90, 100)


def profile(**timers):
    return Profile.model_validate(
        {
            "id": "box",
            "name": "A box",
            "category": "nat",
            "layer": "packet",
            "sources": {"s": {"grade": "example", "says": "made up"}},
            **timers,
        }
    )


def timer(default, restarted_by="any-packet", **more):
    return {"default": default, "expiry": "silent", "restarted_by": restarted_by, "source": "s", **more}


def test_a_profile_falls_at_its_idle_timer():
    curve = of_profile(profile(timers={"idle": timer(600)}))
    assert curve.points == ((0, 1), (600, 1), (600, 0))
    assert (curve.name, curve.limit, curve.falls_s, curve.measured) == ("A box", "timer 600 s", 600, False)


def test_a_shorter_lifetime_comes_first():
    curve = of_profile(profile(timers={"idle": timer(600), "lifetime": timer(300, "nothing")}))
    assert curve.falls_s == 300


def test_a_sweep_lets_some_live_longer():
    swept = profile(timers={"idle": timer(600)}, sweep={"every": 30, "source": "s"})
    assert of_profile(swept).points == ((0, 1), (600, 1), (630, 0))


def test_a_box_that_asks_before_it_forgets_cuts_nothing():
    assert of_profile(profile(timers={"idle": timer(600, probes={"every": 10})})).falls_s is None


def test_many_boxes_of_a_kind_fall_one_after_the_other():
    population = [
        {"exactly": 300, "weight": 1},
        {"above": 400, "up_to": 600, "weight": 2},
        {"above": 900, "weight": 1},
    ]
    curve = of_profile(profile(timers={"idle": timer(600, population=population)}))
    assert curve.points == ((0, 1), (300, 1), (300, 0.75), (400, 0.75), (600, 0.25))
    assert (curve.limit, curve.falls_s) == ("timers from 300 s", 300)


def test_where_nobody_looked_how_long_the_default_counts():
    curve = of_profile(profile(timers={"idle": timer(600, population=[{"above": 900, "weight": 1}])}))
    assert (curve.limit, curve.falls_s) == ("timer 600 s", 600)


def test_an_http_box_falls_at_its_response_timer():
    timers = {"server_response": timer(60, "nothing") | {"expiry": "respond", "status": 504}}
    assert of_profile(profile(layer="http", category="reverse-proxy", timers=timers)).falls_s == 60


def test_a_profile_without_timers():
    curve = of_profile(profile(timers={}))
    assert (curve.points, curve.limit, curve.falls_s) == (((0, 1),), "cuts nothing", None)
