"""The request for the checks that an ActiveSync server must pass before a Ping can wait."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hbprobe.measure.observe import Observer
from hbprobe.measure.request import Connecting, LoggingIn, Request, target_of

if TYPE_CHECKING:
    from hbprobe.records.preflight import PreflightRecord


@dataclass(frozen=True, kw_only=True)
class Preflight(LoggingIn, Connecting, Request["PreflightRecord"]):
    """Check step by step that an ActiveSync server answers a device.

    It goes the way of a device, from the name to a short Ping, and says of each step what was seen and, where it
    fails, what to do. Takes about a minute and a half: Exchange holds no Ping for less than one.
    """

    url: str = field(kw_only=False)
    """https://HOST[:PORT]/ of an ActiveSync server"""

    async def _measured(self, observer: Observer) -> "PreflightRecord":
        from hbprobe.measure.setup import carry_out, handed_over
        from hbprobe.preflight.preflight import Checks
        from hbprobe.records.preflight import PreflightRecord

        target = target_of(self.url)
        account = self.account(target)
        checks = Checks(
            target, self.tls(target), account, watch=observer.check, say=observer.says, start=self.start_to(target)
        )
        failure = await carry_out(checks.run())
        record = PreflightRecord(
            target=str(target),
            user=account.user,
            checks=tuple(checks.checks),
            server=checks.method.told(),
            label=self.label,
            notes=self.trust_notes,
        )
        return handed_over(record, failure, holds_something=bool(checks.checks))
