"""Pings find the same limits as holds, with a product of each kind."""

from collections.abc import Callable

import pytest
from support.kinds import one_of_each_kind
from support.rounding import ROUND

from hbprobe import warp
from hbprobe.exchange.settings import Settings
from hbprobe.lab.inprocess import LabRun, measure
from hbprobe.profiles.catalogue import Catalogue
from hbprobe.profiles.model import Profile
from hbprobe.profiles.silent_request import deciding_timer, timer_s
from hbprobe.search.heartbeats import in_heartbeats
from hbprobe.search.prior import prior_of
from hbprobe.search.search import SearchSettings
from hbprobe.trial.outcome import Kind

PROFILES = Catalogue().all()
PRIOR = prior_of(PROFILES)
GRID_S = 2.0
LONGEST_S = SearchSettings().max_s


def lab(profile: Profile, method: str, settings: Settings | None = None) -> LabRun:
    search = SearchSettings(min_s=60) if method == "hold" else in_heartbeats(SearchSettings(min_s=60))
    return warp.run(measure([profile], settings or Settings(), search, method, prior=PRIOR), warp.WarpClock())


def luck_s(profile: Profile) -> float:
    """How far a box that draws each flow's timer anew may be off: the handshake has flows of its own."""
    timer = deciding_timer(profile)
    return (timer.jitter or 0.0) if timer else 0.0


def met_by_pings() -> list[Profile]:
    """Return a product of each kind that cuts within the search, and of each layer one that does not."""
    kinds = one_of_each_kind(PROFILES)
    cutting = [profile for profile in kinds if (timer_s(profile) or LONGEST_S) < LONGEST_S]
    return [*cutting, *{profile.layer: profile for profile in kinds if profile not in cutting}.values()]


@pytest.mark.parametrize("profile", met_by_pings(), ids=lambda profile: profile.id)
def test_a_ping_finds_the_limit_that_a_hold_finds(profile: Profile) -> None:
    hold, ping = (lab(profile, method).run.search.limit for method in ("hold", "ping"))
    assert (ping.manner, ping.status, ping.exact) == (hold.manner, hold.status, hold.exact)
    if hold.cut_s is None or ping.cut_s is None:
        assert (ping.survived_s, ping.cut_s) == (LONGEST_S, None) == (hold.survived_s, hold.cut_s)
        return
    assert abs(ping.cut_s - hold.cut_s) <= GRID_S + luck_s(profile)
    assert (ping.survived_s or 0) <= hold.cut_s + luck_s(profile)
    assert ping.survived_s is None or ping.survived_s % 1 == 0


def test_all_that_a_lab_says_comes_from_whole_heartbeats() -> None:
    found = lab(Catalogue().find("ten-minute-provider"), "ping")
    trials = found.run.trials
    assert found.cut_by == "ten-minute-provider"
    assert found.run.remarks == []
    assert {trial.hold_s % 1 for trial in trials} == {0.0}
    assert all(trial.outcome.kind in (Kind.SURVIVED, Kind.CUT) for trial in trials)


def test_a_lab_run_twice_gives_the_same() -> None:
    first, second = (lab(Catalogue().find("azure-load-balancer"), "ping").run for _ in range(2))
    assert first.trials == second.trials
    assert first.path_s == second.path_s


def test_the_servers_web_config_bounds_the_search() -> None:
    found = lab(Catalogue().find("ten-minute-provider"), "ping", Settings(120, 480))
    limit = found.run.search.limit
    assert (limit.survived_s, limit.cut_s) == (480, None)
    assert [trial.hold_s for trial in found.run.trials][-1] == 480


@pytest.mark.parametrize("how", ROUND)
@pytest.mark.parametrize(("timer_s", "step_s"), [(20, 5), (27, 5), (20, 15), (112, 30)])
def test_a_server_that_rounds_heartbeats_is_searched_at_its_own_step(
    round_heartbeats: Callable[[str, int], None], how: str, timer_s: int, step_s: int
) -> None:
    """Its answer comes later than was asked for, or sooner: none of that is the path's."""
    round_heartbeats(how, step_s)
    nginx = Catalogue().find("nginx-http-proxy")
    timer = nginx.timers.server_response
    assert timer is not None
    changed = nginx.timers.model_copy(
        update={"server_response": timer.model_copy(update={"default": float(timer_s)})}
    )
    search = in_heartbeats(SearchSettings(min_s=4))
    found = warp.run(
        measure([nginx.model_copy(update={"timers": changed})], Settings(1, 3540), search, "ping"), warp.WarpClock()
    )
    limit = found.run.search.limit
    assert limit.cut_s == timer_s and limit.survived_s is not None
    assert timer_s - 2 * step_s <= limit.survived_s < timer_s and limit.survived_s % step_s == 0
    assert found.run.remarks == []
