"""Lines of front ends and back ends: each request counts once, whatever its two lines say."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from support.iis import STEM, head, ping, write

from hbprobe.evidence.logs.request import Logs
from hbprobe.evidence.logs.silences.pairing import side_clocks

BEGIN = datetime(2030, 1, 2, tzinfo=UTC)
BACK = "/Microsoft-Server-ActiveSync/Proxy/default.eas"
FRONT_END, BACK_END = "192.0.2.10", "192.0.2.11"


def write_sides(folder, fronts, backs, *, is_exact=False):
    """Write lines as both sides log them, each as (when it ended, how many seconds it took, status, device)."""
    for name, stem, server, sides in (
        ("W3SVC1", STEM, FRONT_END, fronts),
        ("W3SVC2", BACK, BACK_END, backs),
    ):
        lines = []
        for ended_s, took_s, status, device in sorted(sides):
            ended, began = BEGIN + timedelta(seconds=ended_s), BEGIN + timedelta(seconds=ended_s - took_s)
            received = f"TmRcv{began:%H:%M:%S}.{began.microsecond:06}_" if is_exact else ""
            lines.append(
                ping(
                    cs_uri_stem=stem, date=str(ended.date()), time=f"{ended:%H:%M:%S}", s_ip=server,
                    time_taken=round(1000 * took_s), sc_status=status, device=device, user=device,
                    blob=None if stem == STEM else f"V141_Hb600_S1_{received}",
                )
            )  # fmt: skip
        write(folder / name / "u_ex.log", head() + "".join(lines))


@pytest.mark.parametrize(("fronts_s", "backs_s"), [(1000, 3000), (3000, 3001)])
def test_a_request_of_which_one_side_ended_later_than_what_is_asked_for_is_one(tmp_path, fronts_s, backs_s):
    write_sides(tmp_path, [(fronts_s, fronts_s, 200, "A")], [(backs_s, backs_s, 200, "A")])
    for until_s, count in ((fronts_s, 0), (fronts_s + 1, 1), (backs_s + 1, 1)):
        bounds = [{"until": BEGIN + timedelta(seconds=until_s)}, {"since": BEGIN + timedelta(seconds=until_s)}]
        assert [Logs([tmp_path], **one).run().coverage.requests for one in bounds] == [count, 1 - count]


def requests(chance, per_s, *, count, device="A", is_even=False):
    """Return short requests of a device as (when it began, how many seconds it took, status, device)."""
    began_s, found = 60.0, []
    for _ in range(count):
        found.append((began_s, chance.uniform(0.02, 0.05), 200, device))
        began_s += 1 / per_s if is_even else chance.expovariate(per_s)
    return found


def both_sides(chance, said, refused_first=0.0, ahead_s=0.0):
    """Return the lines of both sides: the front end needs some milliseconds more, and may refuse by itself."""
    fronts, backs = [], []
    for began_s, took_s, status, device in said:
        if chance.random() < refused_first:
            fronts.append((began_s - chance.uniform(0.02, 0.1), 0.002, 401, device))
        more_s = chance.uniform(0.005, 0.06)
        fronts.append((began_s + took_s + more_s, took_s + more_s, status, device))
        backs.append((began_s + took_s + ahead_s, took_s, status, device))
    return fronts, backs


def counts(folder):
    """Return how many requests are counted, and how many have lines of both sides."""
    with Logs([folder]).opened() as opened:
        return opened.connection.execute("SELECT count(*), count_if(is_joined) FROM all_requests").fetchone()


@pytest.mark.parametrize("is_exact", [True, False], ids=["milliseconds", "seconds"])
@pytest.mark.parametrize(
    ("per_s", "is_even", "refused_first"),
    [(0.5, False, 0), (0.5, False, 1), (1, True, 0), (3, True, 0.5), (5, True, 0), (2, False, 0.5)],
    ids=str,
)
def test_each_request_of_a_device_in_a_loop_counts_once(tmp_path, per_s, is_even, refused_first, is_exact):
    chance = random.Random(1)
    said = requests(chance, per_s, count=400, is_even=is_even)
    fronts, backs = both_sides(chance, said, refused_first)
    write_sides(tmp_path, fronts, backs, is_exact=is_exact)
    counted, joined = counts(tmp_path)
    assert (counted, joined) == (len(fronts), 400)


def test_of_many_in_a_second_hardly_one_counts_twice(tmp_path):
    chance = random.Random(1)
    fronts, backs = both_sides(chance, requests(chance, 20, count=2000))
    write_sides(tmp_path, fronts, backs, is_exact=True)
    assert 2000 <= counts(tmp_path)[0] <= 2010


@pytest.mark.parametrize("ahead_s", [-20, -2, -1, 0.3, 1, 4, 25])
def test_where_the_clocks_of_both_sides_are_apart_each_request_counts_once(tmp_path, ahead_s):
    chance, fronts, backs = random.Random(1), [], []
    for device in range(12):
        began_s, said = 60.0 + 3 * device, []
        for _ in range(20):
            took_s = chance.choice([0.05, 1.0, 30.0, 480.0])
            said.append((began_s, took_s, 200, f"D{device}"))
            began_s += took_s + chance.uniform(0.3, 2)
        for whole, some in zip((fronts, backs), both_sides(chance, said, ahead_s=ahead_s), strict=True):
            whole += some
    write_sides(tmp_path, fronts, backs, is_exact=True)
    assert counts(tmp_path) == (240, 240)


def twice_notes(folder):
    return [note for note in Logs([folder]).run().notes if "may count twice" in note]


@pytest.mark.parametrize(("ahead_s", "is_told"), [(3, False), (300, True)])
def test_clocks_too_far_apart_for_that_are_told(tmp_path, ahead_s, is_told):
    chance = random.Random(1)
    said = [(60.0 + 500 * number, 480.0, 200, f"D{device}") for device in range(5) for number in range(20)]
    fronts, backs = both_sides(chance, said, ahead_s=ahead_s)
    write_sides(tmp_path, fronts, backs)
    assert counts(tmp_path) == ((200, 0) if is_told else (100, 100))
    assert len(twice_notes(tmp_path)) == is_told


def test_what_a_front_end_refuses_by_itself_does_not_count_twice(tmp_path):
    chance = random.Random(1)
    fronts, backs = both_sides(chance, requests(chance, 0.5, count=100), refused_first=1)
    write_sides(tmp_path, fronts, backs)
    assert twice_notes(tmp_path) == []


def test_what_only_one_side_has_is_no_pair(tmp_path):
    fronts = [(100, 0.002, 401, "A"), (100.1, 0.05, 503, "A"), (500.0, 0.05, 200, "A")]
    write_sides(tmp_path, fronts, [(600.0, 0.05, 200, "A"), (500.0, 0.05, 200, "B")])
    assert counts(tmp_path) == (5, 0)


@pytest.mark.parametrize(
    ("sides", "clocks"),
    [
        ([], []),
        ([("F", "B", 1000.0, 9)], []),  # too few
        ([("F", "B", 1000.0, 10)], [(False, "F", 0.0), (True, "B", 1000.0)]),
        ([("A", "A", 3.0, 50)], [(False, "A", 0.0), (True, "A", 3.0)]),  # a server's own two
        (
            [("F", "B", 1000.0, 50), ("G", "B", 700.0, 40), ("G", "C", -200.0, 30), ("F", "C", 9000.0, 10)],
            [(False, "F", 0.0), (True, "B", 1000.0), (False, "G", 300.0), (True, "C", 100.0)],
        ),  # what is known best counts
        (
            [("F", "B", 1000.0, 50), ("G", "C", 200.0, 40)],
            [(False, "F", 0.0), (True, "B", 1000.0), (False, "G", 0.0), (True, "C", 200.0)],
        ),  # of two sites
    ],
)
def test_clocks_are_held_against_that_of_one_front_end(sides, clocks):
    assert side_clocks(sides) == clocks
    assert side_clocks(reversed(sides)) == clocks
