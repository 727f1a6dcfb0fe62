"""Metrics in the form that is asked for."""

from prometheus_client.core import GaugeMetricFamily

from hbprobe.net.exposition import exposition


class OneMetric:
    def collect(self):
        yield GaugeMetricFamily("hbprobe_limit_seconds", "The limit.", value=600)


def test_text_unless_openmetrics_is_asked_for():
    text, kind = exposition([OneMetric()], "*/*")
    assert kind.startswith("text/plain")
    assert text.endswith(b"hbprobe_limit_seconds 600.0\n")
    text, kind = exposition([OneMetric()], "application/openmetrics-text; version=1.0.0")
    assert kind.startswith("application/openmetrics-text")
    assert text.endswith(b"# EOF\n")


def test_no_metric_that_nobody_gave():
    assert exposition([], "*/*")[0] == b""


def test_this_process_is_measured_only_where_that_is_asked_for():
    assert b"process_" not in exposition([OneMetric()], "*/*")[0]
    assert b"hbprobe_limit_seconds 600.0" in exposition([OneMetric()], "*/*", process=True)[0]
