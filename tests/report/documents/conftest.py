"""Documents of made-up results."""

from datetime import UTC, datetime

import pytest

from hbprobe.manner import Manner
from hbprobe.report.documents.compose import compose
from hbprobe.report.documents.sources import Measured
from hbprobe.trial.outcome import Kind, Outcome, Trial

WRITTEN = datetime(2026, 11, 22, 1, 2, 3, tzinfo=UTC)


@pytest.fixture
def written():
    """When all documents of these tests are written."""
    return WRITTEN


@pytest.fixture
def composed():
    """What makes a document of results."""
    return lambda *results: compose([Measured(result) for result in results], WRITTEN)


@pytest.fixture
def hostile(measure, cutting_at):
    """A result whose every text wants to be something else."""
    nasty = "<script>alert(1)</script>\x1b[2J\u202e`|*_[x](http://x/)&lt;"
    trial = Trial(1, 60.0, 0.0, Outcome(Kind.CUT, 5.0, Manner.STATUS, exact=True, status=504, reason=nasty))
    verdict = dict(measure(cutting_at(600)).verdict)
    verdict["findings"] = [{"code": nasty, "severity": "problem", "text": nasty, "device": None}]
    verdict["devices"] = [dict(verdict["devices"][0], name=nasty)]
    return measure(
        cutting_at(600),
        target=nasty,
        path=(nasty,),
        cut_by=nasty,
        notes=(nasty,),
        trials=(trial,),
        contradictions=(nasty,),
        verdict=verdict,
        hbprobe=nasty,
    )
