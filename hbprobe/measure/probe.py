"""The request for the limit of a real path, and how it is carried out."""

import random
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from hbprobe.measure.observe import Observer
from hbprobe.measure.request import Concluding, Journalling, Request, target_of
from hbprobe.measure.talk_request import Talking

if TYPE_CHECKING:
    from hbprobe.records.result import Result


@dataclass(frozen=True, kw_only=True)
class Probe(Talking, Journalling, Concluding, Request["Result"]):
    """Search a real path for the longest request that survives.

    Requests are held open on it; how longer ones die is found out, too, and compared with Exchange's heartbeats.
    """

    url: str = field(kw_only=False)
    """https://HOST[:PORT]/ of hbprobe serve (hold), a web server (idle) or ActiveSync (ping); wss://, h2://,
    imaps:// and the like for other protocols"""

    async def _measured(self, observer: Observer) -> "Result":
        from hbprobe.measure.conclude import conclude, in_force
        from hbprobe.measure.setup import carry_out, handed_over, set_up
        from hbprobe.records.record import Verb

        started, began = time.perf_counter(), datetime.now(UTC)
        settings, search = self.exchange_settings(), self.search_settings()
        target = target_of(self.url, self.traits.schemes)
        dialer, account, talk = self.dialer(target), self.login(target), self.talk(target)
        with self.kept(self.described(target.url, search, talk)) as journal:
            observer.says(f"probing {target}: {self.how_long(search)}")
            run = await set_up(
                self.method,
                dialer,
                search,
                self.prior(),
                random.SystemRandom(),
                account=account,
                talk=talk,
                journal=journal,
                observer=observer,
            )
            failure = await carry_out(run.to_the_end())
        settings, notes = in_force(run, settings, is_file=self.webconfig is not None)
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
