"""What proxies have moved so far, for Prometheus: it counts while connections live, not when they end."""

from collections.abc import Iterable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from hbprobe.toxiproxy.toxic_proxy import Proxy

_RECEIVED = ["direction", "proxy", "listener", "upstream"]
"""The labels of Toxiproxy's own counter."""


class Proxies(Collector):
    """The metrics of some proxies."""

    def __init__(self, proxies: Iterable[Proxy]) -> None:
        self._proxies = tuple(proxies)

    def collect(self) -> Iterable[Metric]:
        """Return those of each proxy, and of each connection through it."""
        received = CounterMetricFamily(
            "toxiproxy_proxy_received_bytes",
            "Bytes from the client (upstream) or from the server",
            labels=_RECEIVED,
        )
        now = GaugeMetricFamily("hbprobe_toxiproxy_connections", "Connections that are open now", labels=["proxy"])
        so_far = CounterMetricFamily("hbprobe_toxiproxy_connections", "Connections so far", labels=["proxy"])
        hits = CounterMetricFamily(
            "hbprobe_toxiproxy_hits", "Connections that a toxic has acted on", labels=["proxy", "toxic"]
        )
        for proxy in self._proxies:
            counts, place = proxy.box.counts, [proxy.name, proxy.listen, proxy.upstream]
            received.add_metric(["upstream", *place], counts.bytes_from_client)
            received.add_metric(["downstream", *place], counts.bytes_from_server)
            now.add_metric([proxy.name], len(proxy.box))
            so_far.add_metric([proxy.name], counts.opened)
            for toxic, count in proxy.box.hits.items():
                hits.add_metric([proxy.name, toxic], count)
        return [received, now, so_far, hits]
