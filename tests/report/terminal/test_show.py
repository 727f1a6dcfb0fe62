import json

import pytest

from hbprobe.manner import Manner
from hbprobe.records.result import Method, Result, Verb
from hbprobe.report.terminal.show import show
from hbprobe.search.search import SearchSettings
from hbprobe.trial.outcome import Kind, Limit, Outcome, Trial


def result(*, healthy=True, complete=True, judged=True):
    settings = {
        "min_heartbeat_s": 60,
        "max_heartbeat_s": 3540,
        "sample_size": 200,
        "alert_threshold_s": 540,
        "problems": [],
    }
    verdict = {
        "healthy": healthy,
        "findings": [],
        "devices": [],
        "recommended_s": 780,
        "carries_max_s": 3541,
        "settings": settings,
    }
    return Result(
        verb=Verb.PROBE,
        target="https://mail.example:443/",
        method=Method.HOLD,
        clock="real",
        search=SearchSettings(),
        limit=Limit(599.5, 600.5, Manner.SILENT),
        trials=(Trial(1, 600.5, 0.0, Outcome(Kind.CUT, 603.5, Manner.SILENT)),),
        path_s=603.5,
        wall_s=603.5,
        complete=complete,
        verdict=verdict if judged else None,
    )


CASES = [
    ({}, 0),
    ({"healthy": False}, 1),
    ({"complete": False}, 3),
    ({"complete": False, "healthy": False}, 3),
    ({"judged": False}, 3),
    ({"judged": False, "complete": False}, 3),
]


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize(("case", "status"), CASES)
def test_the_exit_status(case, status, as_json, capsys):
    assert show(result(**case), as_json=as_json) == status
    assert capsys.readouterr().err == ""


def test_json_is_one_document(capsys):
    shown = result()
    show(shown, as_json=True)
    out = capsys.readouterr().out
    assert json.loads(out) == shown.to_dict()
    assert out.endswith("}\n")


def test_text_says_what_was_measured(capsys):
    show(result(), as_json=False)
    out = capsys.readouterr().out
    assert "https://mail.example:443/" in out
    assert "survives 599.5 s, cut at 600.5 s" in out
