"""Whether a server tells a device of changes at all: of a device in quarantine it keeps them.

To such a device Exchange looks well: it provisions, lists its folders, and its Pings wait as ever; but no mail ever
ends one, and all that it finds is a notice in the inbox
(https://techcommunity.microsoft.com/t5/exchange-team-blog/controlling-exchange-activesync-device-access-using-the-allow/ba-p/588930).
What gives it away is a Ping on a folder that the device never synchronized. Exchange Server 2013 finds no key of such
a folder and answers status 2 at once, as Z-Push does; in quarantine it waits, and says at the end that nothing has
changed.

Only these words are evidence, and of Exchange only. Other servers may say the same without any quarantine, so where
nothing shows that it is Exchange, they are worth a note and no more. Silence may be the path's.
"""

from dataclasses import dataclass

from hbprobe.eas.commands import CommandError, PingAnswer
from hbprobe.eas.refusal import Refusal, no_push
from hbprobe.eas.wbxml import WbxmlError
from hbprobe.net.replies import Answer, Reply

GRACE_S = 5.0
"""How long the answer may take beyond the heartbeat."""
_EARLY_S = 0.5
"""Exchange answers so much too early at the most; earlier still, a newer Ping of the device took its place."""

_SILENT = "the server tells this device of no changes"
QUARANTINE = Refusal(
    f"{_SILENT}: it is in quarantine, or Exchange is still finding out what it is",
    "Get-MobileDevice tells which (DeviceAccessState): allow the device; where it says DeviceDiscovery, try again in "
    "a quarter of an hour",
)
"""Exchange looks a new device over for up to 14 minutes, and treats it like one in quarantine meanwhile:
https://practical365.com/exchange-server/exchange-activesync-device-access-state/."""
MAYBE = f"{_SILENT} in a folder that it never synchronized: of Exchange, that would mean quarantine"
_WORDS = {
    True: "the server tells this device of changes",
    False: MAYBE,
    None: "the server does not show whether it tells this device of changes",
}


@dataclass(frozen=True, slots=True)
class QuarantineCheck:
    """What a Ping on a folder that was never synchronized has shown."""

    told: bool | None
    """The server told of changes, or it did not; None: this says nothing."""
    refusal: Refusal | None = None
    """Why no mail would ever end a Ping."""

    @property
    def words(self) -> str:
        """What was seen."""
        if self.refusal is not None:
            return self.refusal.reason
        return _WORDS[self.told]


def read_quarantine_check(reply: Reply, heartbeat_s: int, elapsed_s: float, *, is_exchange: bool) -> QuarantineCheck:
    """Say what came of such a Ping after a time."""
    if not isinstance(reply, Answer) or reply.status != 200:
        return QuarantineCheck(told=None)
    if refusal := no_push(reply.headers):
        return QuarantineCheck(told=None, refusal=refusal)
    try:
        status = PingAnswer.decode(reply.body).status
    except (CommandError, WbxmlError):
        return QuarantineCheck(told=None)
    if status == 1 and elapsed_s >= heartbeat_s - _EARLY_S:
        return QuarantineCheck(told=False, refusal=QUARANTINE if is_exchange else None)
    return QuarantineCheck(told=True if status == 2 else None)
