"""JSON to toxics, with Toxiproxy's errors."""

import pytest

from hbprobe.middlebox.faults.toxic_reading import ApiError, changed_toxic, read_json, read_toxic, read_value
from hbprobe.middlebox.faults.toxics import MaxAge
from hbprobe.middlebox.stages.latency import LatencySettings


def test_a_toxic_is_whole_by_little():
    toxic = read_toxic({"type": "latency", "attributes": {"LATENCY": 100.0, "unknown": 1}}, now=5.0)
    assert (toxic.name, toxic.stream, toxic.toxicity, toxic.since) == ("latency_downstream", "downstream", 1.0, 5.0)
    assert toxic.settings == LatencySettings(100, 0)


def test_the_name_tells_of_one_connection_and_the_stream_stays_as_it_was_written():
    toxic = read_toxic({"type": "latency", "stream": "UpStream", "toxicity": 0, "connection": 7}, now=0.0)
    assert (toxic.name, toxic.upstream, toxic.toxicity, toxic.connection) == ("latency_UpStream_7", True, 0.0, 7)


def test_a_change_keeps_what_it_does_not_name():
    toxic = read_toxic({"type": "latency", "attributes": {"latency": 100, "jitter": 5}, "toxicity": 0.5}, now=0.0)
    changed = changed_toxic(toxic, {"attributes": {"latency": 7}, "name": "other", "type": "timeout"}, now=9.0)
    assert (changed.settings, changed.toxicity, changed.name) == (LatencySettings(7, 5), 0.5, "latency_downstream")
    assert changed.since == 9.0
    assert changed_toxic(toxic, {"toxicity": 0}, now=9.0).toxicity == 0.0


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"stream": "sideways"}, "stream was invalid, can be either upstream or downstream"),
        ({"type": "toothache"}, "invalid toxic type"),
        ({}, "invalid toxic type"),
        ({"type": "latency", "toxicity": "much"}, "bad request body: toxicity must be a number"),
        ({"type": "latency", "attributes": {"latency": 1.5}}, "bad request body: latency must be a whole number"),
        ({"type": "latency", "attributes": {"latency": True}}, "bad request body: latency must be a whole number"),
        ({"type": "latency", "attributes": {"latency": 2**60}}, "bad request body: latency must be a whole number"),
        ({"type": "latency", "attributes": {"latency": -1}}, "latency and jitter are milliseconds, from 0 on"),
        ({"type": "max_age", "attributes": {"timout": 1}},
         "max_age has no attribute 'timout': it has timeout, manner, tells"),
        ({"type": "blackhole", "attributes": {"a": 1}}, "blackhole has no attribute 'a': it has none"),
        ({"type": "latency", "attributes": []}, "bad request body: a JSON object is wanted"),
    ],
)  # fmt: skip
def test_what_is_wrong(asked, told):
    with pytest.raises(ApiError) as raised:
        read_toxic(asked, now=0.0)
    assert (raised.value.status, raised.value.text) == (400, told)


def test_ours_have_their_attributes_too():
    asked = {"type": "max_age", "attributes": {"timeout": 5, "manner": "reset"}}
    assert read_toxic(asked, now=0.0).settings == MaxAge(5, "reset")


@pytest.mark.parametrize("body", [b"", b"  \n", b"{", b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_json(body):
    with pytest.raises(ApiError, match=r"^bad request body: "):
        read_json(body)


def test_numbers_as_go_reads_them():
    assert read_value({"a": 100.0}, "a", int) == 100
    assert read_value({"a": 10**400}, "a", float) == 2.0**53
    assert read_value({}, "a", int) is None
