import contextlib
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hbprobe.eas.event_log import event_1040
from hbprobe.eas.releases import Release
from hbprobe.errors import UserError
from hbprobe.evidence.events.pasted import read_pasted
from hbprobe.exchange.event_reading import AlertEvent
from hbprobe.exchange.window import Command, Event1040

PASTE = "paste the event as the Event Viewer shows it, with its numbers in square brackets"
BLOCK = """\
Log Name:      Application
Source:        {source}
Date:          2030-01-02 08:21:00
Event ID:      {id}
Computer:      EX1
Description:
The average of recent heartbeat intervals [{average}] for request [Ping] is at or below [540].
"""


def block(**said):
    return BLOCK.format_map({"source": "MSExchange ActiveSync", "id": 1040, "average": 207, **said})


def read(tmp_path, text):
    file = tmp_path / "event.txt"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_pasted(str(file))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_block_of_the_event_viewer(tmp_path, encoding, line_end):
    text = block().replace("\n", line_end).encode(encoding)
    assert read(tmp_path, text) == (AlertEvent(207, 540, Command.PING),)


def test_events_that_differ_each_once_with_how_often(tmp_path):
    text = block() + block(average=480) + block()
    assert read(tmp_path, text) == (AlertEvent(207, 540, Command.PING, 2), AlertEvent(480, 540, Command.PING))


@pytest.mark.parametrize(
    ("sentence", "event"),
    [
        ("intervals [513] for request [Sync] ... [540]", AlertEvent(513, 540, Command.SYNC)),
        ("der Durchschnitt [513] liegt bei oder unter [540].", AlertEvent(513, 540, None)),
        ("the most recent [200] heartbeat intervals ... [540].", AlertEvent(None, 540, None)),
        ("Id : 1040\nMessage : intervals [513] for request [Ping] ... [540]", AlertEvent(513, 540, Command.PING)),
    ],
)
def test_the_sentence_alone(tmp_path, sentence, event):
    assert read(tmp_path, sentence) == (event,)


@pytest.mark.parametrize("release", Release)
def test_every_release_in_json(tmp_path, release):
    logged = event_1040(Event1040(0.0, 513, Command.PING, 540), release, 200)
    average_s = None if release is Release.V2003 else 513
    event = AlertEvent(average_s, 540, Command.PING if release >= Release.V2013 else None)
    assert read(tmp_path, json.dumps(logged.as_json("2030-01-02T08:21:00Z", "EX1"))) == (event,)


def test_standard_input(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(block().encode())))
    assert read_pasted("-") == (AlertEvent(207, 540, Command.PING),)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", f"is empty: {PASTE}"),
        (" \n\n", f"is empty: {PASTE}"),
        ("no event at all", f"the numbers of event 1040 or 3033 are not in it: {PASTE}"),
        ("heartbeat intervals [207", f"the numbers of event 1040 or 3033 are not in it: {PASTE}"),
        (block(average="?"), f"the numbers of event 1040 or 3033 are not in it: {PASTE}"),
        (block(average=600), f"the average 600 is above the threshold 540, which raises no event: {PASTE}"),
        (
            block(source="MsiInstaller") + block(id=1008),
            (
                "holds no event 1040 or 3033 of ActiveSync, but 1040 of MsiInstaller, 1008 of MSExchange ActiveSync: "
                "filter the log by source MSExchange ActiveSync"
            ),
        ),
        (
            "<Event>",
            "is not well-formed XML (mismatched tag: line 1, column 14): export it again with wevtutil qe /f:xml",
        ),
        ("{", "line 1 is not JSON (Expecting property name enclosed in double quotes): export it again"),
    ],
)
def test_what_holds_no_such_event(tmp_path, text, message):
    with pytest.raises(UserError) as refused:
        read(tmp_path, text)
    assert str(refused.value) == f"{tmp_path / 'event.txt'}: {message}"


def test_an_event_log_on_standard_input(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"ElfFile\0" + bytes(4096))))
    with pytest.raises(UserError, match=r"^standard input: is an event log in \.evtx, which is read from a file"):
        read_pasted("-")


@given(data=st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode(errors="replace")))
def test_garbage_is_no_other_error(tmp_path_factory, data):
    file = tmp_path_factory.getbasetemp() / "garbage"
    file.write_bytes(data)
    with contextlib.suppress(UserError):
        assert read_pasted(str(file))
