"""What each release of Exchange announces."""

import pytest

from hbprobe.eas.releases import Release, at_least


@pytest.mark.parametrize(
    ("release", "newest"),
    [("2003", "2.5"), ("2007", "12.1"), ("2010", "14.1"), ("2013", "14.1"), ("2016", "16.1"), ("2019", "16.1")],
)
def test_protocols_go_up_to_the_newest_that_it_speaks(release, newest):
    protocols = Release(release).protocols
    assert (protocols[0], protocols[-1]) == ("2.5", newest)


@pytest.mark.parametrize("release", Release)
def test_no_release_forgets_a_protocol_of_the_one_before(release):
    for older in (one for one in Release if one < release):
        assert set(older.protocols) <= set(release.protocols)
        assert set(older.naming_headers) <= set(release.naming_headers)
        assert [int(part) for part in older.banner.split(".")] < [int(part) for part in release.banner.split(".")]


def test_versions_are_ordered_as_numbers_and_not_as_text():
    assert at_least("12.1", "2.5")
    assert at_least("14.1", "14.1")
    assert not at_least("2.5", "12.0")
