"""When a verdict is healthy, and the exit status that follows."""

import json

from hbprobe.exchange.event_reading import AlertEvent
from hbprobe.exchange.settings import Settings
from hbprobe.exchange.verdict import judge
from hbprobe.exchange.window import Command
from hbprobe.manner import Manner
from hbprobe.records.verdict import EventSaid, VerdictRecord
from hbprobe.trial.outcome import Limit

EVENT = EventSaid(AlertEvent(207, 540, Command.PING), ())
WELL, ILL = Limit(3540, None), Limit(299, 301, Manner.SILENT)


def record(limit, *events):
    verdict = None if limit is None else judge(limit.survived_s, limit.cut_s, limit.manner, Settings())
    return VerdictRecord(limit, verdict, events)


def test_an_event_alone_is_a_finding():
    assert record(WELL).exit_status == 0
    assert record(WELL, EVENT).exit_status == record(None, EVENT).exit_status == 1


def test_so_is_a_limit_that_exchange_suffers_from():
    assert record(ILL).exit_status == 1
    assert not record(ILL).healthy


def test_it_writes_itself():
    document = json.loads(record(ILL, EVENT).to_json())
    assert document["schema"] == "hbprobe.verdict/1"
    assert (document["limit"]["cut"], document["events"][0]["average_s"]) == (301, 207)
