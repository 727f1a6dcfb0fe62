"""What must work before a Ping can wait: name, TCP, TLS, login, the ActiveSync handshake, and one short Ping.

Each check says what it found and, where it fails, what to do; what comes after a failed one is not tried. A password
is sent only where the certificate was verified (or the user waived that) and Basic authentication is offered, and
never again once it was refused.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from hbprobe.eas.client import USER_AGENT, Account, HttpRequest, Step
from hbprobe.eas.refusal import Asker, RefusedError, http_refusal
from hbprobe.errors import CannotMeasureError
from hbprobe.net.dial import From
from hbprobe.net.replies import Answer
from hbprobe.net.target import Target
from hbprobe.net.wire import Dialer, DialError
from hbprobe.preflight.reach import CheckFailedError, connect, look_up, shake_hands
from hbprobe.trial.handshake import PATIENCE_S, RequestSender, answer_to
from hbprobe.trial.methods.ping import PingMethod, eas_path
from hbprobe.trial.outcome import Kind

_GRACE_S = 5.0
_DEVICE = 0
"""A device of its own: it must not end the Pings of a probe that runs at the same time."""


class Name(StrEnum):
    """The checks, in their order."""

    NAME = "name"
    TCP = "TCP"
    TLS = "TLS"
    PROXIES = "proxies"
    AUTHENTICATION = "authentication"
    OPTIONS = "OPTIONS"
    PROVISIONING = "provisioning"
    FOLDER_SYNC = "FolderSync"
    SYNC = "Sync"
    HEARTBEATS = "heartbeats"
    CHANGES = "changes"
    PING = "Ping"


_INSTEAD_OF = {
    "Basic": (
        "switch Basic authentication on for the ActiveSync directory, or log in with a token (modern authentication: "
        "a token file or a token command)"
    ),
    "Bearer": "switch OAuth on for the ActiveSync directory (hybrid modern authentication), or use a password",
}
"""What to do where a scheme is not offered."""
_CHECK_OF = {
    Step.OPTIONS: Name.OPTIONS,
    Step.FOLDER_SYNC: Name.FOLDER_SYNC,
    Step.PROVISION: Name.PROVISIONING,
    Step.ACKNOWLEDGE: Name.PROVISIONING,
    Step.FIRST_SYNC: Name.SYNC,
    Step.SYNC: Name.SYNC,
}


class CheckState(StrEnum):
    """What became of a check."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_TRIED = "not tried"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must work."""

    name: Name
    state: CheckState
    took_s: float = 0.0
    found: tuple[str, ...] = ()
    """What was seen, a line each."""
    mend: str = ""
    """What to do, where it failed."""


class Checks:
    """One run through the checks."""

    def __init__(
        self,
        target: Target,
        tls: ssl.SSLContext | None,
        account: Account,
        *,
        watch: Callable[[Check], None] = lambda _: None,
        say: Callable[[str], None] = lambda _: None,
        now: datetime | None = None,
        start: From | None = None,
    ) -> None:
        """Prepare the checks.

        `watch` is told of each check as it ends, `say` when the server asks for a pause; `now` is what certificates
        are held against; `start`: where connections come from.
        """
        self.checks: list[Check] = []
        self._target = target
        self._tls = tls
        self._watch = watch
        self._now = now or datetime.now(UTC)
        self._loop = asyncio.get_running_loop()
        self._dialer = Dialer(target, tls, start=start)
        self._say = say
        self.method = PingMethod(self._dialer, _GRACE_S, account, first=_DEVICE)
        self._scheme = account.scheme
        self._to_a_stranger: Answer | None = None
        """What is answered to somebody who has not logged in."""
        self._took_s: dict[Name, float] = {}
        self._step_began_s = 0.0

    @property
    def passed(self) -> bool:
        """Whether everything works."""
        return all(check.state is CheckState.PASSED for check in self.checks)

    async def run(self) -> tuple[Check, ...]:
        """Make all checks that make sense."""
        start = self._dialer.start
        try:
            await self._check(Name.NAME, lambda: look_up(self._target, start))
            await self._check(Name.TCP, lambda: connect(self._target, start))
            if (tls := self._tls) is not None:
                await self._check(Name.TLS, lambda: shake_hands(self._target, tls, self._now, start))
            await self._check(Name.PROXIES, self._look_for_proxies)
            await self._check(Name.AUTHENTICATION, self._look_for_schemes)
            with closing(RequestSender(self._dialer, self._say)) as sender:
                await self._handshake(sender)
                await self._check(Name.HEARTBEATS, lambda: self._read_limits(sender))
                await self._check(Name.CHANGES, lambda: self._check_quarantine(sender))
            await self._check(Name.PING, self._ping)
        except CheckFailedError:
            self._leave_the_rest()
        return tuple(self.checks)

    async def _check(self, name: Name, look: Callable[[], Awaitable[tuple[str, ...]]]) -> None:
        started_s = self._loop.time()
        try:
            found = await look()
        except CheckFailedError as failed:
            self._add(Check(name, CheckState.FAILED, self._loop.time() - started_s, failed.found, failed.mend))
            raise
        self._add(Check(name, CheckState.PASSED, self._loop.time() - started_s, found))

    def _add(self, check: Check) -> None:
        self.checks.append(check)
        self._watch(check)

    def _leave_the_rest(self) -> None:
        tried = {check.name for check in self.checks}
        skipped = () if self._tls else (Name.TLS,)
        for name in Name:
            if name not in tried and name not in skipped:
                self._add(Check(name, CheckState.NOT_TRIED))

    # The server, to a stranger

    async def _look_for_proxies(self) -> tuple[str, ...]:
        answer = await self._ask_as_a_stranger()
        self._to_a_stranger = answer
        told = [(name, text) for name, text in answer.headers.items() if _is_telling(name)]
        return tuple(f"{name}: {text}" for name, text in told) or ("no header names one",)

    async def _ask_as_a_stranger(self) -> Answer:
        headers: tuple[tuple[str, str], ...] = (("User-Agent", USER_AGENT),)
        if self._scheme == "Bearer":
            headers += (("Authorization", "Bearer"),)  # without it, Exchange on premises offers no tokens
        request = HttpRequest("OPTIONS", eas_path(self._target.path), headers)
        try:
            with closing(RequestSender(self._dialer)) as sender:
                reply = await sender.ask(request, PATIENCE_S)
        except DialError as error:
            raise CheckFailedError("see the checks above", str(error)) from None
        try:
            return answer_to(Step.OPTIONS, reply)
        except RefusedError as error:
            raise CheckFailedError(error.refusal.mend, str(error)) from None

    async def _look_for_schemes(self) -> tuple[str, ...]:
        """Find out whether the account's scheme is offered: only then may the password or the token go out."""
        answer = self._to_a_stranger
        assert answer is not None
        offered = answer.headers.get("www-authenticate", "")
        refusal = http_refusal(answer.status, answer.headers, answer.body, Asker.STRANGER)
        if refusal is None:
            return ("OPTIONS is answered without a login",)
        if answer.status != 401:
            raise CheckFailedError(refusal.mend, refusal.reason)
        if self._scheme.lower() not in offered.lower():
            text = f"offered: {offered or 'nothing'}; {self._scheme} is missing"
            raise CheckFailedError(_INSTEAD_OF[self._scheme], text)
        return (f"offered: {offered}",)

    # ActiveSync

    async def _handshake(self, sender: RequestSender) -> None:
        device, self._step_began_s = self.method.devices[0], self._loop.time()
        try:
            await sender.shake_hands(device, lambda step: self._spend(_CHECK_OF[step]))
        except (RefusedError, DialError) as error:
            stopped = _CHECK_OF[device.step or Step.SYNC]
            self._spend(stopped)
            self._report_until(stopped)
            mend = error.refusal.mend if isinstance(error, RefusedError) else "try again: earlier connections stood"
            self._add(Check(stopped, CheckState.FAILED, self._took_s.get(stopped, 0.0), (str(error),), mend))
            raise CheckFailedError("") from None
        self._report_until(None)

    def _spend(self, name: Name) -> None:
        """Charge a check with the time since the last step, pauses included."""
        now_s = self._loop.time()
        self._took_s[name] = self._took_s.get(name, 0.0) + now_s - self._step_began_s
        self._step_began_s = now_s

    def _report_until(self, stopped: Name | None) -> None:
        """Report the steps of the handshake that went well."""
        for name in (Name.OPTIONS, Name.PROVISIONING, Name.FOLDER_SYNC, Name.SYNC):
            if name is stopped:
                return
            self._add(Check(name, CheckState.PASSED, self._took_s.get(name, 0.0), self._handshake_words(name)))

    def _handshake_words(self, name: Name) -> tuple[str, ...]:
        device = self.method.devices[0]
        match name:
            case Name.OPTIONS:
                server = device.server
                versions = f"protocol versions {', '.join(server.versions)}; the probe uses {server.version}"
                return (versions, f"commands {', '.join(server.commands) or 'not named'}")
            case Name.PROVISIONING if device.provisioned:
                settings = "setting" if len(device.policy) == 1 else "settings"
                return (f"policy of {len(device.policy)} {settings}, acknowledged",)
            case Name.PROVISIONING:
                return ("the server asked for none",)
            case Name.FOLDER_SYNC:
                return (f"{len(device.folders)} folders",)
            case _:
                return (f"watches {device.watched.name if device.watched else '?'}",)

    async def _read_limits(self, sender: RequestSender) -> tuple[str, ...]:
        try:
            await self.method.read_limits(sender)
        except CannotMeasureError as error:
            raise CheckFailedError("see what the server says", str(error)) from None
        return (f"the server takes heartbeats {self.method.limits}",)

    async def _check_quarantine(self, sender: RequestSender) -> tuple[str, ...]:
        checked = await self.method.check_quarantine(sender, self.method.devices[0])
        if checked.refusal is not None:
            raise CheckFailedError(checked.refusal.mend, checked.words)
        return (checked.words,)

    async def _ping(self) -> tuple[str, ...]:
        heartbeat_s = self.method.short_s
        if not self.method.has_short:
            return (f"not held: the shortest that the server takes is {heartbeat_s} s",)
        outcome = await self.method.trial(heartbeat_s)
        if outcome.kind is not Kind.SURVIVED:
            died = f"a heartbeat of {heartbeat_s} s: {outcome.kind} after {outcome.elapsed_s:.1f} s: {outcome.reason}"
            mend = "hbprobe probe finds the timer" if outcome.kind is Kind.CUT else "see what the server says"
            raise CheckFailedError(mend, died)
        return (f"held for {heartbeat_s} s, and answered",)


def _is_telling(name: str) -> bool:
    """Headers by which servers and what stands before them give themselves away."""
    return name in ("server", "via", "set-cookie", "alt-svc") or name.startswith("x-")
