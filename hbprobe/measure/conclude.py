"""From a search that has run to its result: the limit, and what it means for Exchange."""

from collections.abc import Sequence
from datetime import datetime

from hbprobe.exchange.devices import CURRENT, DeviceKind
from hbprobe.exchange.settings import Settings
from hbprobe.exchange.verdict import judge
from hbprobe.measure.run import Run
from hbprobe.records.record import Origin, Verb
from hbprobe.records.result import Result, is_servers_own
from hbprobe.search import heartbeats
from hbprobe.text import seconds
from hbprobe.trial.methods.table import METHODS
from hbprobe.trial.outcome import STOOD_STILL, Limit, may_have_stood_still

_ANYWHERE = Origin()
_NOT_MEASURED = (
    "a timer at {} came first: what the path does to a connection that is quiet for longer "
    "was not measured; hbprobe serve at the far end, with --method hold, can measure it"
)


def conclude(
    run: Run,
    settings: Settings,
    *,
    verb: Verb,
    target: str,
    clock: str,
    wall_s: float,
    began: datetime | None = None,
    path: tuple[str, ...] = (),
    cut_by: str | None = None,
    notes: tuple[str, ...] = (),
    devices: Sequence[DeviceKind] = CURRENT,
    origin: Origin = _ANYWHERE,
    exchange: bool | None = None,
    heartbeat_s: float | None = None,
) -> Result:
    """Sum a run up; without any evidence there is no verdict. `began` is in UTC.

    `exchange`: whether there is a verdict on Exchange; None leaves it to the method.
    """
    judges = METHODS[run.method.name].exchange if exchange is None else exchange
    limit = run.search.limit
    return Result(
        verb=verb,
        origin=origin,
        target=target,
        method=run.method.name,
        clock=clock,
        search=run.search.settings,
        limit=limit,
        trials=tuple(run.trials),
        path_s=run.path_s,
        wall_s=wall_s,
        path=path,
        contradictions=run.search.contradictions,
        complete=run.complete,
        confirmed=run.complete and run.search.confirmed,
        confidence=run.search.confidence,
        noise=run.search.noise,
        started_at=None if began is None else f"{began:%Y-%m-%dT%H:%M:%SZ}",
        cut_by=cut_by,
        notes=(*notes, *run.remarks, *_stood_still(run, limit), *_not_measured(run, limit, cut_by)),
        heartbeat_s=heartbeat_s,
        server=run.method.told(),
        verdict=judge(limit.survived_s, limit.cut_s, limit.heard, settings, devices)
        if limit.is_known and judges
        else None,
    )


def _stood_still(run: Run, limit: Limit) -> tuple[str, ...]:
    """Tell of cuts on connections that were alive, where as long a hold survived."""
    survived_s = limit.survived_s or 0.0
    stood = (each for each in run.trials if may_have_stood_still(each.hold_s, each.outcome))
    trials = [each for each in stood if each.hold_s <= survived_s]
    names = ", ".join(f"trial {each.number} (hold {seconds(each.hold_s)} s)" for each in trials)
    return (f"{names}: {STOOD_STILL}, and as long a hold survived",) if trials else ()


def _not_measured(run: Run, limit: Limit, cut_by: str | None) -> tuple[str, ...]:
    return (_NOT_MEASURED.format(limit.named_end),) if is_servers_own(run.method.name, limit, cut_by) else ()


def in_force(run: Run, settings: Settings, *, is_file: bool) -> tuple[Settings, tuple[str, ...]]:
    """Return Exchange's settings as the live server told them, and what the method has to say."""
    if (limits := run.method.limits) is None:
        return settings, run.method.notes
    settings, differences = heartbeats.in_force(settings, limits, is_file=is_file)
    return settings, (*differences, *run.method.notes)
