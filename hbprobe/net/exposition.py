"""Metrics as whoever scrapes them wants them: Prometheus's text or OpenMetrics.

This is where prometheus-client is imported, and only this; it comes with an extra.
https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from collections.abc import Iterable

from hbprobe.errors import UserError

try:
    from prometheus_client import CollectorRegistry, ProcessCollector
    from prometheus_client.core import CounterMetricFamily as CounterMetricFamily
    from prometheus_client.core import GaugeMetricFamily as GaugeMetricFamily
    from prometheus_client.core import InfoMetricFamily as InfoMetricFamily
    from prometheus_client.core import Metric as Metric
    from prometheus_client.exposition import choose_encoder
    from prometheus_client.registry import Collector as Collector
except ImportError:
    raise UserError("metrics need prometheus-client: pip install 'hbprobe[watch]'") from None


def exposition(collectors: Iterable[Collector], accept: str, *, process: bool = False) -> tuple[bytes, str]:
    """Return metrics as the Accept header asks, and what they are; `process` adds those of this process."""
    registry = CollectorRegistry()
    for collector in collectors:
        registry.register(collector)
    if process:
        ProcessCollector(registry=registry)
    encode, content_type = choose_encoder(accept)
    return encode(registry), content_type
