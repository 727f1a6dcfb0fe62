"""Silences as columns: what is left out, and what is taken as lost or as answered."""

import math
import random
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from support.iis import head, ping, write

from hbprobe.evidence.limits import Silences
from hbprobe.evidence.logs.engines.engine import DuckDB
from hbprobe.evidence.logs.lines.clocks import AT_ONCE_S
from hbprobe.evidence.logs.request import Logs
from hbprobe.evidence.logs.silences.following import MARGIN_S, Followed, Named, margins

ALL = np.ones(4, np.bool_)
BEGIN = datetime(2030, 1, 2, tzinfo=UTC)


@pytest.fixture
def followed():
    """Return an answer, a loss, and two silences of which nothing is known, one of them without a length."""
    silences = Silences(
        np.array([600.0, 300.0, 480.0, 0.0]),
        np.array([False, True, False, False]),
        np.zeros(4, np.bool_),
        np.array([0, 1, 0, 1]),
    )
    network = Named.of(["wifi", "mobile", "wifi", "mobile"])
    return Followed(silences, np.array([False, False, True, True]), np.zeros(4, np.bool_), {"network": network})


@pytest.mark.parametrize(
    ("unknown", "lasted_s", "is_cut"),
    [
        (None, [600, 300], [False, True]),
        ("answered", [600, 300, 480], [False, True, False]),
        ("lost", [600, 300, 480], [False, True, True]),
    ],
)
def test_what_is_not_known_is_left_out_or_taken_either_way(followed, unknown, lasted_s, is_cut):
    found = followed.chosen(ALL, unknown)
    assert (found.lasted_s.tolist(), found.is_cut.tolist()) == (lasted_s, is_cut)


def test_some_are_chosen_and_the_rest_stays_as_it_was(followed):
    of_wifi = followed.keys["network"].number == 0
    assert followed.chosen(of_wifi, "lost").is_cut.tolist() == [False, True]
    assert followed.silences.is_cut.tolist() == [False, True, False, False]


def test_counts_are_of_what_is_known(followed):
    assert followed.counts("network") == {"wifi": 1, "mobile": 1}


def test_names_are_numbered_in_the_order_in_which_they_come():
    named = Named.of(["b", "a", "b"])
    assert (named.names, named.number.tolist()) == (("b", "a"), [0, 1, 0])


def test_no_text_is_held_for_each_request(tmp_path, monkeypatch):
    """A gigabyte has millions of them: a number takes eight bytes, a name of a device eighty."""
    held, plain = [], DuckDB.arrays

    def arrays(*asked):
        found = plain(*asked)
        held.extend(column.dtype.kind for column in found.values())
        return found

    monkeypatch.setattr(DuckDB, "arrays", arrays)
    write(tmp_path / "a.log", head() + ping() + ping("bob", "SYNTH02", time="08:20:00"))
    assert Logs([tmp_path]).run().coverage.waits == 2
    assert held and "O" not in held


def test_who_may_ask_later_after_an_answer_is_not_lost_sooner():
    assert margins()["at_once"] == AT_ONCE_S
    assert margins(1.0)["least"] == MARGIN_S[0]
    assert margins(10.0)["least"] == 10.0


def write_two_servers(folder, ahead_s, cut_s=math.inf):
    """Write what thirty devices asked of one of two servers, by chance, the second of which has a clock of its own.

    Mail ends half of them. Each device asks again at once, or as soon as a box has told it that its request is dead.
    """
    chance, lines = random.Random(1), {"192.0.2.10": [], "192.0.2.11": []}
    for device in range(30):
        at_s = 7.0 * device
        for _ in range(20):
            server, held_s = chance.choice(list(lines)), chance.choice([480.013, chance.uniform(20.0, 480.0)])
            end_s = at_s + held_s + (ahead_s if server == "192.0.2.11" else 0)
            time = datetime(2030, 1, 2, 8, tzinfo=UTC) + timedelta(seconds=end_s)
            said = ping(f"u{device}", f"D{device}", "V141_Hb480_S1_", time=f"{time:%H:%M:%S}", s_ip=server,
                        time_taken=int(held_s * 1000))  # fmt: skip
            lines[server].append(said)
            at_s += min(held_s, cut_s) + chance.uniform(0.1, 0.6)
    for server, said in lines.items():
        write(folder / f"{server}.log", head() + "".join(sorted(said)))


def clock_notes(evidence):
    return [note for note in evidence.notes if "clock" in note]


@pytest.mark.parametrize("ahead_s", [-4, 0, 2, 3, 10, 25, 45, 600, 3600])
def test_clocks_of_two_servers_are_no_cut(tmp_path, ahead_s):
    write_two_servers(tmp_path, ahead_s)
    evidence = Logs([tmp_path]).run()
    assert evidence.coverage.told == 0
    assert evidence.coverage.silent < (1 if abs(ahead_s) < 20 else 30)  # whose next request seems to have come before
    assert [limit.judgement for limit in evidence.limits] == ["none-seen"]
    if not ahead_s:
        assert clock_notes(evidence) == [] and evidence.coverage.unknown == 30
    elif abs(ahead_s) <= 25:
        (note,) = clock_notes(evidence)
        ahead, behind = ("192.0.2.11", "192.0.2.10")[:: 1 if ahead_s > 0 else -1]
        assert f"the clock of {ahead} seems to be {abs(ahead_s)} s ahead of that of {behind}: " in note
        assert evidence.coverage.answered > 550
    else:
        (note,) = clock_notes(evidence)
        assert "counted as unknown" in note
        assert evidence.coverage.unknown > 250


@pytest.mark.parametrize("ahead_s", [0, 4, 45])
def test_a_cut_is_told_whatever_the_clocks_of_two_servers_are(tmp_path, ahead_s):
    write_two_servers(tmp_path, ahead_s, cut_s=300.0)
    (limit,) = Logs([tmp_path]).run().limits
    assert (limit.judgement, limit.how) == ("limit", "told")
    assert limit.survived <= 300 <= limit.cut <= limit.survived + 4


@pytest.mark.parametrize(
    "said",
    [
        {"time_taken": 10**12},
        {"time_taken": -1},
        {"time_taken": "-"},
        {"blob": "V141_Hb480_S1_TmRcv:03:00:00_"},
    ],
)
def test_what_cannot_have_been_tells_nothing(tmp_path, said):
    """Three requests, each answered after eight minutes, and something else in the log between two of them."""
    blob = "V141_Hb480_S1_"
    texts = [ping(blob=blob, time=time, time_taken=480000) for time in ("08:08:00", "08:16:00", "08:32:00")]
    texts.insert(2, ping(**{"blob": blob, "time": "08:24:00", "time_taken": 480000} | said))
    write(tmp_path / "a.log", head() + "".join(texts))
    coverage = Logs([tmp_path]).run().coverage
    assert (coverage.waits, coverage.answered, coverage.told, coverage.silent) == (4, 1, 0, 0)


def test_a_request_that_took_nobody_knows_how_long_is_the_next_of_the_one_before_all_the_same(tmp_path):
    """Without it, the second next one would seem to be that of a device which gave up in silence."""
    blob = "V141_Hb60_S1_"
    times = (("08:01:00", 60000), ("08:02:00", 10**12), ("08:03:00", 60000))
    write(tmp_path / "a.log", head() + "".join(ping(blob=blob, time=at, time_taken=took) for at, took in times))
    coverage = Logs([tmp_path]).run().coverage
    assert (coverage.waits, coverage.unknown, coverage.silent) == (3, 3, 0)


@pytest.mark.parametrize("at", ["24:00:00", "24:00:00.000", "23:60:00", "23:59:60", "99:00:00", "3:00:00"])
def test_a_time_of_day_that_does_not_exist_is_none(tmp_path, at):
    """Half a minute before midnight the next midnight would be near enough to be taken for the beginning."""
    blob = "V141_Hb480_S1_"
    times = ("23:51:30", "23:59:30", "00:07:30", "00:15:30")
    days = ("2030-01-02", "2030-01-02", "2030-01-03", "2030-01-03")
    said = ["", "", f"TmRcv:{at}_", ""]
    lines = [
        ping(blob=blob + more, date=day, time=time, time_taken=480000)
        for day, time, more in zip(days, times, said, strict=True)
    ]
    write(tmp_path / "a.log", head() + "".join(lines))
    coverage = Logs([tmp_path]).run().coverage
    assert (coverage.answered, coverage.told, coverage.silent, coverage.unknown) == (3, 0, 0, 1)


def test_a_line_at_a_time_of_day_that_does_not_exist_has_no_time(tmp_path):
    write(tmp_path / "a.log", head() + ping(time="24:00:00") + ping(time="23:59:59"))
    span = Logs([tmp_path]).run().span
    assert (span.first, span.last) == ("2030-01-02T23:59:59Z", "2030-01-02T23:59:59Z")


def write_ends(folder, *, took_ms, win32, wait_s, status=200, devices=10, blob=None):
    """Write requests, thirty of each device, that all end after one time, and how long it takes until the next."""
    lines = []
    for device in range(devices):
        end = BEGIN + timedelta(hours=8, seconds=7 * device)
        for _ in range(30):
            end += timedelta(milliseconds=took_ms)
            said = {"date": str(end.date()), "time": f"{end:%H:%M:%S}", "time_taken": took_ms, "sc_status": status}
            lines.append(ping(f"u{device}", f"D{device}", blob, sc_win32_status=win32, **said))
            end += timedelta(seconds=wait_s)
    write(folder / "a.log", head() + "".join(sorted(lines)))


@pytest.mark.parametrize("wait_s", [0, 60])
@pytest.mark.parametrize("status", [200, 502])
def test_a_connection_that_was_gone_after_whole_seconds_is_no_answer_and_no_interval(tmp_path, wait_s, status):
    """Timers have whole seconds, as intervals do: the front end's log alone does not tell one from the other."""
    write_ends(tmp_path, took_ms=300_020, win32=64, wait_s=wait_s, status=status)
    evidence = Logs([tmp_path]).run()
    assert (evidence.coverage.waits, evidence.coverage.unknown) == (300, 300)
    (limit,) = evidence.limits or [None]
    assert limit is None or (limit.judgement, limit.longest_asked) == ("too-little", None)
    (note,) = (note for note in evidence.notes if "as their connection was gone" in note)
    assert note.startswith("300 waiting requests ended as their connection was gone, 300 of them after 300 s: ")
    for cause in ("tells devices of its cut", "a front end that gives up", "after good answers"):
        assert cause in note


def test_of_an_answer_after_the_whole_interval_with_its_connection_gone_it_is_not_known_who_closed_it(tmp_path):
    write_ends(tmp_path, took_ms=600_013, win32=64, wait_s=0, blob="V141_Hb600_Rto1_S1_")
    coverage = Logs([tmp_path]).run().coverage
    assert (coverage.answered, coverage.told, coverage.silent, coverage.unknown) == (0, 0, 0, 300)


def test_how_long_devices_ask_for_is_not_read_off_what_a_front_end_took(tmp_path):
    write_ends(tmp_path, took_ms=300_020, win32=0, wait_s=0)
    (limit,) = Logs([tmp_path]).run().limits
    assert (limit.judgement, limit.longest_answered, limit.longest_asked) == ("none-seen", 300.02, None)


def test_errors_after_one_time_are_told_with_that_time(tmp_path):
    write_ends(tmp_path, took_ms=240_050, win32=0, wait_s=0, status=504)
    evidence = Logs([tmp_path]).run()
    coverage = evidence.coverage
    assert (coverage.failed, coverage.failed_after, coverage.failed_then) == (300, 240, 300)
    (told,) = (finding for finding in evidence.findings if finding.code == "http-errors")
    assert told.severity == "problem" and "300 of them after 240 s: a front end or a proxy gives up then" in told.text
