"""What each network carries, and which of the limits may be that of a box before the server."""

import pytest

from hbprobe.evidence.logs.company.lived import LivedLimit
from hbprobe.evidence.logs.company.mix_paths import MixPath, behind, box_of, may_be_of_a_box


def of(network, limit_s, hours=10.0, *, is_told=False, suffix=""):
    limit = None if limit_s is None else LivedLimit(1.0, limit_s - 3, limit_s + 1, limit_s, is_told)
    return MixPath(network, suffix, hours, limit, "seen")


@pytest.mark.parametrize(
    ("limits", "carried_s", "box_s", "doubtful"),
    [
        ([("a", 600), ("b", 601), ("c", None)], 599, 601, ["a", "b"]),
        ([("a", 600), ("b", 300)], 599, None, ["a"]),
        ([("a", 600), ("b", 600)], 1800, None, []),
        ([("a", 600), ("a", 300), ("b", 600)], 599, 600, ["a", "b"]),
        ([("a", 600), ("b", 900)], 550, None, ["a", "b"]),
        ([("a", 600)], 599, None, ["a"]),
        ([], 0, None, []),
    ],
    ids=["shared", "one longer", "one carries more", "and one shorter", "two", "alone", "none"],
)  # fmt: skip
def test_a_limit_that_no_network_exceeds_may_be_of_a_box(limits, carried_s, box_s, doubtful):
    paths = [of(name, limit_s, 10.0 + number) for number, (name, limit_s) in enumerate(limits)]
    found = may_be_of_a_box(paths, carried_s)
    assert sorted(path.network for path in found) == doubtful
    box = box_of(found)
    assert (None if box is None else box.limit_s) == box_s


def test_a_box_ends_all_requests_in_one_manner():
    assert box_of([of("a", 600), of("b", 600, is_told=True)]) is None


def test_behind_a_box_networks_are_open_where_its_limit_was_seen():
    shared, shorter, open_path = of("a", 600, suffix="-600s"), of("a", 300, suffix="-300s"), of("b", None)
    found = behind(shared.limit, [shared, shorter, open_path], [shared])
    assert found[1:] == [shorter, open_path]
    assert found[0].lines() == [
        "    share: 10.00", "    profile: open-path   # the firewall's limit, of 600 s, hides what is beyond",
    ]  # fmt: skip
    assert found[0].suffix == "-open"
