"""The search of a kernel lab: what it can carry out, and how it is paced."""

from hbprobe.lab.kernel.measure import fit
from hbprobe.search.search import SearchSettings


def test_a_search_that_is_coarse_enough_stays():
    search = SearchSettings(precision_s=100, grace_s=100)
    assert fit(search, 100) == (search, ())
    assert fit(SearchSettings(), 1) == (SearchSettings(), ())


def test_a_search_is_no_finer_than_a_real_second():
    fitted, remarks = fit(SearchSettings(precision_s=1, grace_s=3), 100)
    assert (fitted.precision_s, fitted.grace_s) == (100, 100)
    assert remarks == (
        "1 min 40 s instead of precision 1 s and grace 3 s: no kernel lab is finer than a real second",
    )


def test_only_what_is_too_fine_is_changed():
    fitted, remarks = fit(SearchSettings(precision_s=0.1, grace_s=3), 1)
    assert (fitted.precision_s, fitted.grace_s) == (1, 3)
    assert remarks == ("1 s instead of precision 0.1 s: no kernel lab is finer than a real second",)
