import csv
import io
import json
from dataclasses import replace

import pytest

from hbprobe import __version__
from hbprobe.report.documents.data import to_csv, to_json
from hbprobe.report.documents.sources import Measured

CONNECTION = ("source", "source_port", "destination", "destination_port", "opened_at", "closed_at")


def test_json_holds_every_result(ten_minutes, written):
    document = json.loads(to_json([Measured(ten_minutes)] * 2, written))
    assert document == {
        "schema": "hbprobe.report/1",
        "hbprobe": __version__,
        "written": "2026-11-22T01:02:03Z",
        "documents": [ten_minutes.to_dict()] * 2,
    }


def test_csv_holds_every_trial(ten_minutes):
    rows = list(csv.DictReader(io.StringIO(to_csv([Measured(ten_minutes)]))))
    assert len(rows) == len(ten_minutes.trials)
    assert rows[0] == {
        "label": "",
        "target": "https://127.0.0.1:8443",
        "path": "a-box",
        "method": "hold",
        "trial": "1",
        "hold": "3540.0",
        "started": "0.0",
        "outcome": "cut",
        "how": "silent",
        "status": "",
        "elapsed": "3543.0",
        "exact": "false",
        "aftermath": "nothing",
        "reason": "no answer",
        **dict.fromkeys(CONNECTION, ""),  # a lab has none that a log could name
    }


@pytest.mark.parametrize(
    ("text", "cell"),
    [("=1+1", "'=1+1"), ("@x", "'@x"), ("+1", "'+1"), ("-1", "'-1"), ('a,"b"', 'a,"b"'), ("a\rb", "a\\x0db")],
)
def test_text_becomes_no_formula_and_no_row(ten_minutes, text, cell):
    trial = ten_minutes.trials[0]
    result = replace(ten_minutes, trials=(replace(trial, outcome=replace(trial.outcome, reason=text)),))
    (row,) = csv.DictReader(io.StringIO(to_csv([Measured(result)]), newline=""))
    assert row["reason"] == cell
