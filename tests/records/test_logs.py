"""What logs of the past showed, as a document."""

import pytest

from hbprobe.records.logs import LogEvidence


def evidence(**changes):
    counts = dict.fromkeys(
        (
            "requests", "devices", "users", "waits", "answered", "told", "silent", "moved", "unknown", "failed",
            "refused", "heartbeat_from_blob", "heartbeat_from_time_taken",
        ),
        0,
    )  # fmt: skip
    windows = {"samples": 0, "full": False, "lowest_s": None, "judged_until": None}
    windows |= {"rebuilt": 0, "logged": 0, "both": 0}
    told = {"by": "network", "span": None, "sources": (), "not_read": (), "coverage": counts, "limits": ()}
    told |= {"windows": windows, "events": (), "findings": (), "notes": ()}
    return LogEvidence.model_validate(told | changes)


@pytest.mark.parametrize(
    ("severities", "has_problem"), [([], False), (["note"], False), (["note", "problem"], True), (["problem"], True)]
)
def test_only_a_problem_needs_a_mend(severities, has_problem):
    findings = [{"code": "x", "severity": one, "text": "Words."} for one in severities]
    assert evidence(findings=findings).has_problem is has_problem


def test_it_is_read_as_it_was_written():
    written = evidence(httperr={"Timer_ConnectionIdle": 3})
    assert LogEvidence.read(written.to_dict()) == written


def test_what_captures_showed_is_none():
    with pytest.raises(ValueError, match="verb: must be 'logs'"):
        LogEvidence.read(evidence().to_dict() | {"verb": "capture"})
