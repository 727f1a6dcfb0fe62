"""The catalogue proves itself: a probe measures each box that can run, and finds what its file says."""

import sys

import pytest

from hbprobe import warp
from hbprobe.exchange.settings import Settings
from hbprobe.lab.inprocess import LabRun, measure
from hbprobe.manner import Aftermath, Expiry, Manner
from hbprobe.profiles.catalogue import Catalogue
from hbprobe.profiles.model import Ends, Profile
from hbprobe.profiles.silent_request import cut_of, deciding_timer, timer_s
from hbprobe.search.search import SearchSettings

PROFILES = Catalogue().all()
SEEN = {
    Expiry.SILENT: Manner.SILENT,
    Expiry.RESET_ON_NEXT: Manner.SILENT,
    Expiry.RESET: Manner.RESET,
    Expiry.CLOSE: Manner.CLOSED,
    Expiry.RESPOND: Manner.STATUS,
}
_MARGIN_S = 6
"""So far from its timer a search begins and ends: a box that cuts elsewhere leaves no bracket."""


def lab(profile: Profile, shortest_s: float, longest_s: float) -> LabRun:
    precision_s = min(1.0, (longest_s - shortest_s) / 8)
    search = SearchSettings(shortest_s, longest_s, precision_s, connections=2)
    return warp.run(measure([profile], Settings(), search), warp.WarpClock())


@pytest.mark.parametrize("profile", [p for p in PROFILES if timer_s(p)], ids=lambda p: p.id)
def test_the_box_cuts_when_and_how_its_profile_says(profile: Profile) -> None:
    timer, last_s = deciding_timer(profile), cut_of(profile).latest_s
    assert timer is not None
    margin_s = min(_MARGIN_S, timer.default / 2)
    found = lab(profile, timer.default - margin_s, last_s + margin_s)
    limit = found.run.search.limit
    told = timer.tells in (Ends.BOTH, Ends.CLIENT) and not timer.retries  # a box that tries again tells much later

    assert limit.survived_s is not None and limit.cut_s is not None
    assert timer.default - 1 <= limit.cut_s <= last_s + 1
    assert limit.survived_s <= last_s
    assert limit.manner is (SEEN[timer.expiry] if told else Manner.SILENT)
    assert limit.status == (timer.status if told else None)
    assert limit.exact is (told and timer.expiry in (Expiry.RESET, Expiry.CLOSE, Expiry.RESPOND))
    if not timer.retries:  # otherwise the client gives up while the box still tries
        assert found.cut_by == profile.id
    if sys.platform == "linux" and limit.manner is Manner.SILENT:
        forgets_aloud = told and timer.expiry is Expiry.RESET_ON_NEXT
        revived = timer.revived_by in (Ends.CLIENT, Ends.BOTH)
        silence = Aftermath.ACKNOWLEDGED if revived or timer.retries else Aftermath.NOTHING
        assert limit.aftermath is (Aftermath.RESET if forgets_aloud else silence)
        assert found.remarks == ()


@pytest.mark.parametrize("profile", [p for p in PROFILES if not timer_s(p)], ids=lambda p: p.id)
def test_a_box_without_such_a_timer_cuts_nothing(profile: Profile) -> None:
    timer = deciding_timer(profile)
    longest_s = 2 * timer.default if timer else 3540.0
    limit = lab(profile, longest_s / 2, longest_s).run.search.limit
    assert (limit.survived_s, limit.cut_s) == (longest_s, None)
