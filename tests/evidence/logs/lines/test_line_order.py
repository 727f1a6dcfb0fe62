"""Lines that go back in time: a clock that was set back, and what looks like one."""

import re
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from support.company import company, path, write_logs
from support.iis import FIELDS, head, ping, write

from hbprobe.eas.releases import Release
from hbprobe.evidence.logs.lines import w3c
from hbprobe.evidence.logs.lines.clocks import SetBack
from hbprobe.evidence.logs.lines.line_order import LineOrder, LogSpan, line_order, overlaps, steps_back
from hbprobe.evidence.logs.lines.log_sources import LogSource
from hbprobe.evidence.logs.request import Logs

EIGHT = datetime(2030, 1, 2, 8, tzinfo=UTC)
AT_S = int(EIGHT.timestamp())
DAY_S = 86_400


def steps(*times):
    return steps_back(np.array(times, np.int64))


def every(begin, end, step=10):
    return list(range(begin, end, step))


@pytest.mark.parametrize(
    ("times", "found"),
    [
        ([], []),
        ([7], []),
        (every(0, 1000), []),
        ([0, 3, 1, 4, 9, 4, 12], []),  # lines of one moment that changed places
        (every(0, 1000) + every(400, 2000), [(100, 990, 400)]),
        (every(0, 1000) + every(984, 2000), [(100, 990, 984)]),
        (every(0, 1000) + every(400, 900) + every(500, 2000), [(100, 990, 400), (150, 990, 500)]),
        (every(0, 1000) + every(5000, 6000) + every(2000, 9000), [(200, 5990, 2000)]),  # set forward before
        ([*every(0, 1000), 10**11, *every(1000, 2000)], []),  # what a crash has left of a line
        (every(5 * DAY_S, 6 * DAY_S, 999) + every(0, DAY_S, 999), []),  # yesterday's log behind today's
        (every(5 * DAY_S, 6 * DAY_S, 999) + every(0, DAY_S, 999) + every(7 * DAY_S, 8 * DAY_S, 999), []),
        (every(0, 1000) * 3, None),  # sorted by something else
        ([at + late for at in every(0, 3000) for late in (20, 0)], []),  # every other line is late
        ([at + late for at in every(0, 3000, 100) for late in (40, 0, 1)], None),
    ],
)
def test_where_times_go_back(times, found):
    assert steps(*times) == found


def order(tmp_path, text):
    (tmp_path / "scratch").mkdir()
    source = LogSource(write(tmp_path / "W3SVC1/u_ex300102.log", text))
    return line_order(w3c.divide(source, tmp_path / "scratch").stretches, "W3SVC1")


def lines(times, fields=FIELDS, **values):
    """Return lines that end so many seconds after eight."""
    moments = [EIGHT + timedelta(seconds=at) for at in times]
    return "".join(ping(fields=fields, date=f"{at:%Y-%m-%d}", time=f"{at:%H:%M:%S}", **values) for at in moments)


SET_BACK = every(0, 1000) + every(400, 2000)


@pytest.mark.parametrize(
    "fields",
    [
        FIELDS,
        f"s-sitename s-computername {FIELDS}",
        FIELDS.replace("date time", "time") + " date",
        FIELDS.replace("date time s-ip", "time s-ip date"),
        FIELDS.replace("date ", ""),
        FIELDS.replace("date time", "date-local time-local"),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_times_are_found_wherever_they_stand(tmp_path, fields, end):
    names = {"date_local": "2030-01-02"} if "date-local" in fields else {}
    text = "".join(
        lines([at], fields, **({"time_local": f"{EIGHT + timedelta(seconds=at):%H:%M:%S}"} | names))
        for at in SET_BACK
    )
    whose = "EX1" if "s-computername" in fields else "192.0.2.10"
    found = order(tmp_path, (head(fields) + text).replace("\n", end))
    assert found == LineOrder((SetBack(whose, 105, AT_S + 990, AT_S + 400),), span=(AT_S, AT_S + 1990))


def test_a_line_that_is_not_understood_has_no_time(tmp_path):
    broken = "broken\n\n2030-99-99 08:00:00 x\n2030-01-02 24:00:00 x\n" + "\0" * 40 + "\n"
    found = order(tmp_path, head() + lines(SET_BACK[:50]) + broken + lines(SET_BACK[50:]))
    assert [(one.line, one.from_s - one.to_s) for one in found.set_back] == [(110, 590)]


@pytest.mark.parametrize("fields", [FIELDS, "DateTime,RequestId"])
@pytest.mark.parametrize("broken", ["x\n", " \n", "2030\n\n", "2030-01-02 08:00:0\n", "x" * 17 + "\r\n"])
def test_lines_may_be_shorter_than_a_time(tmp_path, fields, broken):
    assert order(tmp_path, head(fields) + broken + head() + lines([0])).span == (AT_S, AT_S)


def test_a_head_between_does_not_hide_it(tmp_path):
    found = order(tmp_path, head() + lines(SET_BACK[:100]) + head() + lines(SET_BACK[100:]))
    assert [one.line for one in found.set_back] == [109]


def test_two_servers_in_one_log_are_two_clocks(tmp_path):
    fields = f"{FIELDS} s-computername"
    one, other = (lines(every(0, 1000), fields, s_computername=name).splitlines(True) for name in ("EX1", "EX2"))
    apart = [text for pair in zip(one[:60], other[40:], strict=True) for text in pair]
    found = order(tmp_path, head(fields) + "".join(other[:40] + apart + one[60:]))
    assert found == LineOrder(span=(AT_S, AT_S + 990))


def with_clock_set_back(folder, at_s, by_s):
    """Set the clock back in all logs of a folder: what had begun before began by the old clock."""
    for file in folder.rglob("u_ex*.log"):
        texts = file.read_text().splitlines(True)
        for number, text in enumerate(texts):
            ended = None if text.startswith("#") else datetime.fromisoformat(text[:19] + "+00:00")
            if ended is None or ended.timestamp() < at_s:
                continue
            texts[number] = f"{ended - timedelta(seconds=by_s):%Y-%m-%d %H:%M:%S}" + text[19:]
            if ended.timestamp() - int(text.split()[-1]) / 1000 >= at_s:
                texts[number] = re.sub(
                    r"(TmRcv:?)(\d\d:\d\d:\d\d)", lambda found: _earlier(found, by_s), texts[number]
                )
        file.write_text("".join(texts))


def _earlier(found, by_s):
    return f"{found[1]}{datetime.fromisoformat(f'2030-01-02 {found[2]}') - timedelta(seconds=by_s):%H:%M:%S}"


@pytest.mark.parametrize("by_s", [60, 600, 3600])
@pytest.mark.parametrize("release", [Release.V2010, Release.V2019])
def test_a_clock_that_is_set_back_is_no_cut(tmp_path, release, by_s):
    world = company(path("a"), moves=0)
    write_logs(tmp_path, world, release, days=0.15)
    before = Logs([tmp_path]).run()
    assert (before.coverage.told, before.coverage.silent) == (0, 0)
    with_clock_set_back(tmp_path, datetime.fromisoformat(before.span.first).timestamp() + 6000, by_s)
    after = Logs([tmp_path]).run()
    assert (after.coverage.told, after.coverage.silent) == (0, 0)
    assert after.coverage.answered > before.coverage.answered / 8
    assert after.coverage.requests - before.coverage.requests < 40  # of those that are there twice
    (note,) = [note for note in after.notes if "the time goes back" in note]
    assert "the clock of 192.0.2.10 was set back, or another program put the lines in this order" in note
    assert note.count(", line ") == (1 if release is Release.V2010 else 2)


def test_a_log_that_another_program_has_sorted_is_judged_as_it_was_and_says_so(tmp_path):
    texts = [lines(every(0, 3000, 600), device=f"D{device}") for device in range(5)]
    write(tmp_path / "a.log", head() + "".join(texts))
    evidence = Logs([tmp_path]).run()
    assert evidence.coverage.answered == 20
    assert any("do not stand in the order of time" in note for note in evidence.notes)


def test_what_is_kept_knows_of_it(tmp_path):
    write(tmp_path / "logs/a.log", head() + lines(SET_BACK))
    first = Logs([tmp_path / "logs"], into=tmp_path / "kept").run()
    assert any("the time goes back by 9 min 50 s" in note for note in first.notes)
    assert Logs([tmp_path / "kept"]).run().notes == first.notes


def test_a_clock_that_was_set_back_shows_in_httpproxys_log_too(tmp_path):
    fields = "DateTime,Protocol,UrlStem,UrlQuery,HttpStatus,TotalRequestTime,ClientIpAddress,ServerHostName"
    times = [EIGHT + timedelta(seconds=second) for second in (*every(0, 3600), *every(600, 5000))]
    lines = [f"{at:%Y-%m-%dT%H:%M:%S}.041Z,Eas,/x,?DeviceId=D&Cmd=Ping,200,5,192.0.2.1,FE1" for at in times]
    log = write(tmp_path / "HttpProxy_1.LOG", "\r\n".join([f"#Fields: {fields}", fields, *lines, ""]))
    evidence = Logs([log]).run()
    (note,) = [note for note in evidence.notes if "goes back" in note]
    assert note.startswith("the time goes back by 49 min 50 s, from 2030-01-02T08:59:50Z to 2030-01-02T08:10:00Z")
    assert "line 363): the clock of FE1 was set back" in note


def span(name, begin_s, end_s, server="EX1", folder="W3SVC1"):
    return LogSpan(name, folder, server, begin_s, end_s)


@pytest.mark.parametrize(
    ("spans", "found"),
    [
        ([span("a", 0, 100), span("b", 100, 200), span("c", 196, 300)], []),
        ([span("b", 94, 200), span("a", 0, 100)], [("a", "b", (100, 94))]),
        ([span("a", 0, 100), span("b", 40, 200)], [("a", "b", None)]),
        ([span("a", 0, 300), span("b", 100, 200), span("c", 250, 400)], [("a", "b", None), ("a", "c", (300, 250))]),
        ([span("a", 0, 100), span("b", 50, 200, server="EX2")], []),
        ([span("a", 0, 100), span("b", 50, 200, folder="W3SVC2")], []),
    ],
)
def test_which_logs_of_one_folder_tell_of_one_time(spans, found):
    told = [
        (pair.one.name, pair.other.name, pair.set_back and (pair.set_back.from_s, pair.set_back.to_s))
        for pair in overlaps(spans)
    ]
    assert told == found


@pytest.mark.parametrize(
    ("begin", "server", "told"),
    [
        (3600, "192.0.2.10", None),
        (3000, "192.0.2.10", "requests of that time are unknown, some may count twice"),
        (600, "192.0.2.10", "requests of that time may count twice"),
        (3000, "192.0.2.11", None),
    ],
)
def test_a_clock_set_back_from_one_log_to_the_next_is_told_among_what_else_it_may_be(tmp_path, begin, server, told):
    write(tmp_path / "logs/u_extend1.log", head() + lines(every(0, 3600), time_taken=5))
    write(tmp_path / "logs/u_extend2.log", head() + lines(every(begin, 7000), time_taken=5, s_ip=server))
    for _ in range(2):  # what is kept knows of it
        evidence = Logs([tmp_path / "logs"], into=tmp_path / "kept").run()
        notes = [note for note in evidence.notes if "u_extend1.log and " in note]
        assert len(notes) == (told is not None)
        for note in notes:
            assert "both tell of 192.0.2.10 from 2030-01-02T08:" in note and "to 2030-01-02T08:59:50Z: " in note
            assert "or the clock was set back from one to the other" in note and told in note


def test_front_and_back_end_may_tell_of_one_time(tmp_path):
    write(tmp_path / "front.log", head() + lines(every(0, 3600), time_taken=5))
    stem = "/Microsoft-Server-ActiveSync/Proxy/default.eas"
    write(tmp_path / "back.log", head() + lines(every(0, 3600), time_taken=5, cs_uri_stem=stem))
    assert not [note for note in Logs([tmp_path]).run().notes if "both tell" in note]


def test_what_is_not_of_the_time_that_is_asked_for_is_not_told(tmp_path):
    write(tmp_path / "a.log", head() + lines(every(0, 3600)))
    write(tmp_path / "b.log", head() + lines(every(3000, 7000)))
    write(tmp_path / "c.log", head() + lines([*every(20_000, 22_000), *every(21_000, 23_000)]))
    for since_s, until_s, told in (
        (0, 30_000, 2),
        (0, 2_900, 0),
        (3_700, 20_000, 0),
        (3_500, 3_550, 1),
        (21_500, 30_000, 1),
    ):
        since, until = (EIGHT + timedelta(seconds=at) for at in (since_s, until_s))
        notes = Logs([tmp_path], since=since, until=until).run().notes
        assert len([note for note in notes if "both tell" in note or "goes back" in note]) == told
