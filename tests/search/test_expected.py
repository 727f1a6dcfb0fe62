from pathlib import Path

import pytest

import hbprobe
from hbprobe.manner import Manner
from hbprobe.search.expected import Expected, takes
from hbprobe.search.prior import Belief, Prior
from hbprobe.search.search import Search, SearchSettings
from hbprobe.trial.outcome import Kind, Outcome

PRIOR = Prior(Belief({60.0: 0.1, 600.0: 0.3, 7200.0: 0.1}), Belief({60.0: 0.2, 300.0: 0.3}))


def searched_s(settings, limit_s, *, tells, prior):
    """Carry one search out as a run does, and return its path time."""
    search, total_s = Search(settings, prior), 0.0
    while holds := search.next_holds():
        took_s = 0.0
        for hold_s in holds:
            if search.is_moot(hold_s):
                continue
            if hold_s < limit_s:
                outcome = Outcome(Kind.SURVIVED, hold_s)
            elif tells:
                outcome = Outcome(Kind.CUT, limit_s, Manner.RESET, exact=True)
            else:
                outcome = Outcome(Kind.CUT, hold_s + settings.grace_s, Manner.SILENT)
            search.record(hold_s, outcome)
            took_s = max(took_s, outcome.elapsed_s)
        total_s += took_s
    return total_s


@pytest.mark.parametrize("guided", [True, False])
@pytest.mark.parametrize("connections", [1, 3, 8])
def test_every_timer_costs_what_its_search_takes(connections, guided):
    settings = SearchSettings(connections=connections)
    costs = sorted(
        (searched_s(settings, limit_s, tells=tells, prior=PRIOR if guided else None), share)
        for tells, belief in ((False, PRIOR.silent), (True, PRIOR.telling))
        for limit_s, share in belief.shares.items()
    )
    said = takes(settings, PRIOR, guided=guided)
    for value_s, part in ((said.least_s, 0.1), (said.likely_s, 0.5), (said.most_s, 0.9)):
        assert value_s in [cost_s for cost_s, _ in costs]
        assert sum(share for cost_s, share in costs if cost_s <= value_s) >= part - 1e-9
        assert sum(share for cost_s, share in costs if cost_s < value_s) < part + 1e-9
    assert said.worst_s >= settings.worst_case_s


def test_more_connections_take_less():
    one = takes(SearchSettings(), PRIOR)
    assert takes(SearchSettings(connections=8), PRIOR).likely_s < one.likely_s


def test_the_order_of_the_numbers():
    said = takes(SearchSettings(noise=0.1, connections=4), PRIOR)
    assert said.least_s <= said.likely_s <= said.most_s <= said.worst_s


def test_nothing_is_known():
    nothing = Prior(Belief({}), Belief({}))
    assert takes(SearchSettings(), nothing) == Expected(0.0, 0.0, 0.0, SearchSettings().worst_case_s)


def test_the_document_says_what_a_probe_says():
    page = Path(__file__).parents[2] / "docs" / "search.md"
    probe = hbprobe.Probe("https://probe.example.net/")
    assert f"    {probe.how_long(probe.search_settings())}\n" in page.read_text(encoding="utf-8")
