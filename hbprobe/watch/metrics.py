"""What a watch has found, for Prometheus: read from the database at each request, so counters never start anew."""

import json
import platform
from collections.abc import Iterable, Sequence
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from hbprobe import __version__
from hbprobe.watch.changes import changes_of, seen_of
from hbprobe.watch.store import Measurement, State, Store


class TargetMetrics(Collector):
    """The metrics of some targets; one label, the target's name."""

    def __init__(self, store: Store, targets: Sequence[str], now: float) -> None:
        """`now` is the time that ages are counted to, in seconds since 1970."""
        self._store, self._targets, self._now = store, targets, now

    def collect(self) -> Iterable[Metric]:
        gauges, counts = _Gauges(), _Counts()
        info = InfoMetricFamily("hbprobe_limit", "How the limit cuts: manner and likeliest cause", labels=["target"])
        for target in self._targets:
            done = self._store.measurements(target, State.DONE)
            if done:
                self._last(gauges, info, done[-1])
            latest = self._store.latest(target)
            gauges.add(target, "running", latest is not None and latest.state is State.RUNNING)
            counts.add(target, *self._store.count(target), len(changes_of(seen_of(done))))
        return [*gauges.families.values(), info, *counts.families.values()]

    def _last(self, gauges: "_Gauges", info: InfoMetricFamily, last: Measurement) -> None:
        """Add what the last measurement found."""
        gauges.add(last.target, "survived", last.survived_s)
        gauges.add(last.target, "cut", last.cut_s)
        gauges.add(last.target, "healthy", last.healthy)
        gauges.add(last.target, "started", last.started_at)
        gauges.add(last.target, "age", max(0.0, self._now - last.seen_at))
        gauges.add(last.target, "duration", max(0.0, last.seen_at - last.started_at))
        limit = _limit_of(self._store.result(last.id))
        causes = limit.get("causes") or [""]
        info.add_metric([last.target], {"how": limit.get("how") or "", "cause": str(causes[0])})


def _limit_of(result: str | None) -> dict[str, Any]:
    """Return the limit of a result, as far as it can be read: another version of hbprobe may have written it."""
    document = json.loads(result) if result else {}
    limit = document.get("limit") if isinstance(document, dict) else None
    return limit if isinstance(limit, dict) else {}


class Itself(Collector):
    """The metrics of the watch itself: no label of a target."""

    def __init__(self, *, waiting: int, interval_s: float, reloaded: bool) -> None:
        """`waiting`: so many findings are known, and not in the database yet."""
        self._waiting, self._interval_s, self._reloaded = waiting, interval_s, reloaded

    def collect(self) -> Iterable[Metric]:
        build = InfoMetricFamily("hbprobe_build", "The program that measures")
        build.add_metric([], {"version": __version__, "python": platform.python_version()})
        waits = "Findings that are kept in memory until they can be stored"
        reloaded = "1 where the watch file could be read when that was tried last"
        return [
            build,
            GaugeMetricFamily("hbprobe_unstored_findings", waits, value=self._waiting),
            GaugeMetricFamily("hbprobe_interval_seconds", "One measurement in each", value=self._interval_s),
            GaugeMetricFamily("hbprobe_config_last_reload_successful", reloaded, value=float(self._reloaded)),
        ]


class Probed(Collector):
    """What a probe of blackbox_exporter would say, of the last measurement of a target that ended."""

    def __init__(self, last: Measurement | None) -> None:
        self._last = last

    def collect(self) -> Iterable[Metric]:
        last = self._last
        success = last is not None and last.state is State.DONE
        duration_s = 0.0 if last is None else max(0.0, last.seen_at - last.started_at)
        return [
            GaugeMetricFamily("probe_success", "1 where the last measurement could measure", value=float(success)),
            GaugeMetricFamily("probe_duration_seconds", "How long the last measurement took", value=duration_s),
        ]


class _Gauges:
    """The latest finding of each target."""

    def __init__(self) -> None:
        words = {
            "survived": ("hbprobe_limit_survived_seconds", "The longest hold that survived in the last measurement"),
            "cut": ("hbprobe_limit_cut_seconds", "The shortest hold that was cut in it; absent where none was"),
            "healthy": ("hbprobe_healthy", "1 where the last measurement found no problem for Direct Push"),
            "started": ("hbprobe_last_measurement_timestamp_seconds", "When the last measurement began"),
            "age": (
                "hbprobe_measurement_age_seconds",
                "How long ago it ended",
            ),
            "duration": ("hbprobe_measurement_duration_seconds", "How long it took"),
            "running": ("hbprobe_measuring", "1 while a measurement runs"),
        }
        self.families = {key: GaugeMetricFamily(*text, labels=["target"]) for key, text in words.items()}

    def add(self, target: str, key: str, value: float | None) -> None:
        """Add a value; None stands for one that is not known, and is left out."""
        if value is not None:
            self.families[key].add_metric([target], float(value))


class _Counts:
    """What each target has seen so far."""

    def __init__(self) -> None:
        words = {
            "measurements": ("hbprobe_measurements", "Measurements, by how far they came", ["target", "state"]),
            "trials": ("hbprobe_trials", "Trials that ended, by outcome", ["target", "outcome"]),
            "changes": ("hbprobe_limit_changes", "How often the limit changed", ["target"]),
        }
        self.families = {
            key: CounterMetricFamily(name, text, labels=labels) for key, (name, text, labels) in words.items()
        }

    def add(self, target: str, states: dict[str, int], outcomes: dict[str, int], changes: int) -> None:
        """Add the counts of a target."""
        for state, count in states.items():
            self.families["measurements"].add_metric([target, state], count)
        for outcome, count in outcomes.items():
            self.families["trials"].add_metric([target, outcome], count)
        self.families["changes"].add_metric([target], changes)
