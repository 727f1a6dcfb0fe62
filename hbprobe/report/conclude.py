"""From a search that has run to its result: the limit, and what it means for Exchange."""

from collections.abc import Sequence
from datetime import datetime

from hbprobe.exchange.devices import DEVICES, DeviceKind
from hbprobe.exchange.settings import Settings
from hbprobe.exchange.verdict import judge
from hbprobe.probe.ping import told_by
from hbprobe.probe.run import Run
from hbprobe.report.result import Method, Result, Verb


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
    devices: Sequence[DeviceKind] = DEVICES,
) -> Result:
    """Sum a run up; without any evidence there is no verdict. `began` is in UTC."""
    limit = run.search.limit
    known = limit.survived_s is not None or limit.cut_s is not None
    return Result(
        verb=verb,
        target=target,
        method=Method(run.method.name),
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
        notes=(*notes, *run.remarks),
        server=told_by(run.method),
        verdict=judge(limit.survived_s, limit.cut_s, limit.how, settings, devices).as_dict() if known else None,
    )
