"""What goes out: proxies, toxics, connections and metrics as documents."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from hbprobe.middlebox.events import FlowCounts
from hbprobe.middlebox.running_box import FlowState
from hbprobe.middlebox.toxics import Toxic

_HELP = {
    "toxiproxy_proxy_received_bytes_total": ("counter", "Bytes received from the client (upstream) or the server."),
    "hbprobe_toxiproxy_connections": ("gauge", "Connections that are open now."),
    "hbprobe_toxiproxy_connections_total": ("counter", "Connections so far."),
    "hbprobe_toxiproxy_hits_total": ("counter", "Connections that a toxic has acted on."),
}


def toxic_document(toxic: Toxic) -> dict[str, Any]:
    """Return a toxic as Toxiproxy writes it."""
    whole = toxic.toxicity.is_integer()
    return {
        "attributes": asdict(toxic.settings),
        "name": toxic.name,
        "type": toxic.type,
        "stream": toxic.stream,
        "toxicity": int(toxic.toxicity) if whole else toxic.toxicity,
    }


def connection_document(state: FlowState, toxics: Iterable[str], held: tuple[int, int]) -> dict[str, Any]:
    """Return a live connection: the box's own state, what degrades it, and what is held of it."""
    upstream, downstream = held
    return asdict(state) | {
        "toxics": list(toxics),
        "held_bytes": {"upstream": upstream, "downstream": downstream},
    }


def metrics_text(rows: Iterable[tuple[Mapping[str, str], FlowCounts, int, Mapping[str, int]]]) -> str:
    """Return metrics in Prometheus's text format, of each proxy: labels, counts, connections now, hits by toxic.

    The format: https://prometheus.io/docs/instrumenting/exposition_formats/
    """
    samples: dict[str, list[str]] = {name: [] for name in _HELP}
    for labels, counts, connections, hits in rows:
        for direction, count in (
            ("upstream", counts.bytes_from_client),
            ("downstream", counts.bytes_from_server),
        ):
            samples["toxiproxy_proxy_received_bytes_total"].append(_sample({"direction": direction, **labels}, count))
        proxy = {"proxy": labels["proxy"]}
        samples["hbprobe_toxiproxy_connections"].append(_sample(proxy, connections))
        samples["hbprobe_toxiproxy_connections_total"].append(_sample(proxy, counts.opened))
        for toxic, count in hits.items():
            samples["hbprobe_toxiproxy_hits_total"].append(_sample({**proxy, "toxic": toxic}, count))
    lines = []
    for name, (kind, meaning) in _HELP.items():
        lines += [f"# HELP {name} {meaning}", f"# TYPE {name} {kind}"]
        lines += [name + sample for sample in samples[name]]
    return "\n".join(lines) + "\n"


def _sample(labels: Mapping[str, str], value: int) -> str:
    written = ",".join(f'{name}="{_escaped(text)}"' for name, text in labels.items())
    return f"{{{written}}} {value}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
