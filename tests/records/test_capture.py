"""The record of captures as JSON."""

import json

import pytest
from support.captures import record_of_resets

from hbprobe.records.capture import CaptureRecord


def test_the_record_is_read_as_it_was_written(tmp_path):
    record = record_of_resets(tmp_path)
    assert CaptureRecord.read(json.loads(record.to_json())) == record
    with pytest.raises(ValueError, match="sources: is missing"):
        CaptureRecord.read({"schema": "hbprobe.evidence/1", "verb": "capture"})
