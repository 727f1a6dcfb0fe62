"""Metrics as whoever scrapes them wants them: Prometheus's text or OpenMetrics.

https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector


def exposition(collectors: Iterable[Collector], accept: str, *, process: bool = False) -> tuple[bytes, str]:
    """Return metrics as the Accept header asks, and what they are; `process` adds those of this process."""
    registry = CollectorRegistry()
    for collector in collectors:
        registry.register(collector)
    if process:
        ProcessCollector(registry=registry)
    encode, content_type = choose_encoder(accept)
    return encode(registry), content_type
