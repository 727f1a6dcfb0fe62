"""Requests that wait: how they begin to, and how they end."""

from hbprobe.standin.device import DeviceState, ServedRequest, Waiting
from hbprobe.standin.messages import message


def wait(turn: ServedRequest, device: DeviceState, waiting: Waiting) -> None:
    """Let a request wait; it is the only one of its device that does."""
    turn.waiting, device.turn = waiting, turn


def take_over(device: DeviceState) -> None:
    """End the device's older request, as if it had been quiet: a newer one takes its place."""
    if (older := device.turn) and older.waiting:
        older.error = "NMStolen"
        end(older, older.waiting.quiet)


def end(turn: ServedRequest, body: bytes) -> None:
    """Answer a request that waits."""
    turn.waiting, turn.answer = None, message(body, *turn.headers)
    let_go(turn)
    if turn.on_answer is not None:
        turn.on_answer()


def let_go(turn: ServedRequest) -> None:
    """Forget that a device has this request open."""
    if turn.device is not None and turn.device.turn is turn:
        turn.device.turn = None
