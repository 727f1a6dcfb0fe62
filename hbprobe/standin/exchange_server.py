"""The server's state machine: a request in; out comes an answer, or a time until which the request waits.

Free of I/O. Times are seconds on a clock that the caller keeps; policy keys are drawn by a function that it gives.
"""

from collections.abc import Callable, Sequence

from hbprobe.eas.commands import CommandStatus
from hbprobe.eas.query import Query
from hbprobe.eas.releases import Release
from hbprobe.eas.request_record import Access
from hbprobe.exchange.settings import Settings
from hbprobe.exchange.window import Command
from hbprobe.standin.admin_rules import AdminRules
from hbprobe.standin.command_handler import CommandHandler
from hbprobe.standin.device import DeviceState, ServedRequest, Wipe, end, let_go
from hbprobe.standin.messages import RefusedRequestError, ServerAnswer, message
from hbprobe.standin.recorders import Recorder, record_of
from hbprobe.standin.request_checks import Throttling, log_in, options, read_query, refuse
from hbprobe.standin.users import Users, mailbox_of
from hbprobe.standin.webconfig_rules import FilteringRule, Limits, deny


class ExchangeServer:
    """All that one server knows, and what it makes of each request."""

    def __init__(
        self,
        settings: Settings,
        users: Users | None,
        rules: AdminRules,
        filters: Sequence[FilteringRule],
        release: Release,
        recorder: Recorder,
        new_key: Callable[[], int],
        max_folders: int = Limits().max_folders,
    ) -> None:
        self._commands = CommandHandler(settings, rules, recorder, new_key, max_folders)
        self._users = users
        self._filters = tuple(filters)
        self._release = release
        self._recorder = recorder
        self._throttling = Throttling()
        self._devices: dict[tuple[str, str], DeviceState] = {}

    # What happens to a request

    def begin(self, turn: ServedRequest, now: float) -> None:
        """Take a request: afterwards it has its answer, or waits."""
        try:
            turn.answer = self._attend(turn, now)
        except RefusedRequestError as refused:
            turn.error, turn.command_status = refused.error, refused.command_status
            turn.answer = refused.answer

    def expire(self, turn: ServedRequest) -> None:
        """Answer a request whose time is over."""
        if turn.waiting is not None:
            turn.expired = True
            end(turn, turn.waiting.quiet)

    def finish(self, turn: ServedRequest, now: float, *, is_delivered: bool) -> None:
        """Take note that an answer was sent, or that the client was gone before."""
        turn.waiting = None
        let_go(turn)
        if turn.is_counted:
            self._throttling.leave(mailbox_of(turn.user or ""))
        self._recorder.request_done(record_of(turn, now, is_delivered=is_delivered))

    # What administrators see and do

    @property
    def rules(self) -> AdminRules:
        """What administrators have decided; it can be set anew."""
        return self._commands.rules

    @rules.setter
    def rules(self, rules: AdminRules) -> None:
        self._commands.rules = rules
        self._throttling.begin_anew()

    @property
    def devices(self) -> tuple[DeviceState, ...]:
        """All devices, in the order in which they came."""
        return tuple(self._devices.values())

    @property
    def averages_s(self) -> dict[Command, int | None]:
        """The average of each window of event 1040; None while it is not full."""
        return {command: window.average_s for command, window in self._commands.windows.items()}

    def device(self, user: str, device_id: str) -> DeviceState | None:
        """Return a device of a user."""
        return self._devices.get((mailbox_of(user), device_id))

    def forget(self, device: DeviceState) -> None:
        """Remove a device; if it comes back it is a new one."""
        del self._devices[device.user, device.id]

    def new_mail(self, user: str, folder: str) -> tuple[DeviceState, ...]:
        """Put mail into a folder of a user, and return the devices that hear of it; those in quarantine do not."""
        heard = [
            device
            for device in self._devices_of(mailbox_of(user))
            if self.rules.access(device.traits())[0] is not Access.QUARANTINE
        ]
        for device in heard:
            device.changed.add(folder)
            if self.rules.direct_push and (turn := device.turn) and turn.waiting and folder in turn.waiting.folders:
                end(turn, turn.waiting.changed((folder,)))
        return tuple(heard)

    # On the way to a command

    def _attend(self, turn: ServedRequest, now: float) -> ServerAnswer | None:
        request = turn.request
        deny(request, self._filters)
        turn.user = log_in(request, self._users, self.rules)
        if request.method == "OPTIONS":
            return options(self._release)
        query = read_query(request, self._release)
        turn.command, turn.version, turn.policy_key = query.command, query.version, query.policy_key
        turn.device_id, turn.device_type = query.device_id, query.device_type
        self._throttling.enter(mailbox_of(turn.user), self.rules)
        turn.is_counted = True
        turn.device = self._device(turn, mailbox_of(turn.user), query, now)
        body = self._commands.carry_out(turn, turn.device, now)
        return None if body is None else message(body, *turn.headers)

    def _devices_of(self, mailbox: str) -> list[DeviceState]:
        return [device for device in self._devices.values() if device.user == mailbox]

    def _device(self, turn: ServedRequest, mailbox: str, query: Query, now: float) -> DeviceState:
        device = self._devices.get((mailbox, query.device_id))
        if device is None:
            most = self.rules.max_devices
            if most is not None and len(self._devices_of(mailbox)) >= most:
                refuse(turn, CommandStatus.TOO_MANY_DEVICES, "MaximumDevicesReached")
            device = self._devices[mailbox, query.device_id] = DeviceState(
                mailbox, query.device_id, query.device_type, now
            )
        device.kind, device.version = query.device_type, query.version or ""
        device.user_agent = turn.request.user_agent
        if device.id in self.rules.remote_wipe and device.wipe is None:
            device.wipe = Wipe.ORDERED
        return device
