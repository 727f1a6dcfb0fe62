"""The request for the limit of a real path, and how it is carried out."""

import random
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from hbprobe.errors import RequestError
from hbprobe.measure.observe import Observer
from hbprobe.measure.request import (
    LOGIN_SECRETS,
    Concluding,
    Connecting,
    Journalling,
    LoggingIn,
    Request,
    Searching,
    target_of,
)
from hbprobe.trial.methods.table import in_words

if TYPE_CHECKING:
    from hbprobe.eas.client import Account
    from hbprobe.exchange.settings import Settings
    from hbprobe.measure.run import Run
    from hbprobe.net.target import Target
    from hbprobe.records.result import Result


@dataclass(frozen=True, kw_only=True)
class Probe(Searching, LoggingIn, Connecting, Journalling, Concluding, Request["Result"]):
    """Search a real path for the longest request that survives.

    Requests are held open on it; how longer ones die is found out, too, and compared with Exchange's heartbeats.
    """

    url: str = field(kw_only=False)
    """https://HOST[:PORT]/ of hbprobe serve (hold), a web server (idle) or ActiveSync (ping)"""

    async def _measured(self, observer: Observer) -> "Result":
        from hbprobe.measure.conclude import conclude
        from hbprobe.measure.journal import header
        from hbprobe.measure.setup import carry_out, handed_over, set_up
        from hbprobe.records.origin import Verb

        started, began = time.perf_counter(), datetime.now(UTC)
        settings, search = self.exchange_settings(), self.search_settings()
        target = target_of(self.url, self.traits.schemes)
        dialer, account = self.dialer(target), self._account(target)
        with self.kept(header(str(target), self.method, search, **self.from_where)) as journal:
            observer.says(f"probing {target}: {self.how_long(search)}")
            run = await set_up(
                self.method,
                dialer,
                search,
                self.prior(),
                random.SystemRandom(),
                account=account,
                journal=journal,
                observer=observer,
            )
            failure = await carry_out(run.to_the_end())
        settings, notes = _in_force(run, settings, is_file=self.webconfig is not None)
        result = conclude(
            run,
            settings,
            devices=self.device_kinds(),
            exchange=self.judges(self.traits),
            heartbeat_s=self.heartbeat_s,
            verb=Verb.PROBE,
            target=str(target),
            clock="real",
            wall_s=time.perf_counter() - started,
            began=began,
            notes=(*self.trust_notes, *notes),
            origin=self.origin,
        )
        return handed_over(result, failure, holds_something=bool(run.trials))

    def _account(self, target: "Target") -> "Account | None":
        if self.traits.needs_account:
            return self.account(target)
        for name in ("user", *LOGIN_SECRETS):
            if getattr(self, name) is not None:
                needing = in_words(lambda row: row.needs_account)
                raise RequestError(f"{{{name}}} goes with {{method}} {needing}", name)
        return None


def _in_force(run: "Run", settings: "Settings", *, is_file: bool) -> "tuple[Settings, tuple[str, ...]]":
    """Return Exchange's settings as the live server told them, and what the method has to say."""
    if (limits := run.method.limits) is None:
        return settings, run.method.notes
    from hbprobe.search.heartbeats import in_force

    settings, differences = in_force(settings, limits, is_file=is_file)
    return settings, (*differences, *run.method.notes)
