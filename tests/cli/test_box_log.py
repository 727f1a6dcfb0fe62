"""The log of a running box: what is written, when, and that nothing is left out."""

import asyncio

import pytest

from hbprobe.cli import box_log
from hbprobe.cli.box_log import BoxLog
from hbprobe.middlebox.events import FlowRefused, FlowRevived, Remark


def told(capsys):
    """Return the lines so far, without the time of day."""
    return [line.partition(" ")[2] for line in capsys.readouterr().out.splitlines()]


async def test_a_line_is_written_in_a_moment(capsys):
    log = BoxLog()
    log.tell("asa", FlowRefused(1.0, "127.0.0.1:1", "no room"))
    log.tell("edge", FlowRevived(1.0, 7, "127.0.0.1:2"))
    assert told(capsys) == []
    await asyncio.sleep(0.1)
    assert told(capsys) == [
        "asa: refused 127.0.0.1:1: no room",
        "edge: flow 7 from 127.0.0.1:2: a packet has brought it back",
    ]
    log.tell("asa", Remark(2.0, "said again"))
    await asyncio.sleep(0.1)
    assert told(capsys) == ["asa: said again"]


async def test_lines_wait_while_much_happens_but_a_second_at_most(capsys):
    log = BoxLog()
    for number in range(30):
        log.tell("box", Remark(0.0, str(number)))
        await asyncio.sleep(0.04)
        if number == 23:
            assert told(capsys) == []
    assert told(capsys)[:2] == ["box: 0", "box: 1"]


async def test_what_waits_is_written_in_pieces_with_turns_for_others_between(monkeypatch):
    log, most, pieces = BoxLog(), box_log._AT_ONCE, []

    def write(lines):
        pieces.append(lines)
        asyncio.get_running_loop().call_soon(pieces.append, "turn")

    monkeypatch.setattr(box_log, "_write", write)
    for number in range(2 * most + 1):
        log.tell("box", Remark(0.0, str(number)))
    await asyncio.sleep(1)
    assert [piece.count("\n") for piece in pieces] == [most, 0, most, 0, 1, 0]
    said = [line.rpartition(" ")[2] for piece in pieces for line in piece.splitlines() if piece != "turn"]
    assert said == [str(number) for number in range(2 * most + 1)]


@pytest.mark.parametrize("count", [0, 1, 1000])
async def test_at_the_end_nothing_is_left(capsys, count):
    log = BoxLog()
    for number in range(count):
        log.tell("box", Remark(0.0, str(number)))
    log.flush()
    assert told(capsys) == [f"box: {number}" for number in range(count)]
    await asyncio.sleep(2)
    assert told(capsys) == []
