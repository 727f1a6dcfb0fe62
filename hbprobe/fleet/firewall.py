"""How long the firewall before the server remembers a connection whose device has gone without a word."""

import numpy as np

from hbprobe.fleet.chance import Floats


def forgotten_at(asked_s: float, heartbeat_s: float, timer_s: float) -> float:
    """Return when the entry goes: the timer counts from the last packet.

    That is the server's answer at the heartbeat, where the entry still stands by then, and the request else. The
    server's retransmissions of that answer are not counted. Without a timer it is gone with the server's answer.
    """
    answer_s = asked_s + heartbeat_s
    if timer_s == np.inf:
        return answer_s
    return (answer_s if heartbeat_s < timer_s else asked_s) + timer_s


def forgotten_at_all(asked_s: Floats, heartbeat_s: Floats, timer_s: float) -> Floats:
    """Return the same for many."""
    answer_s = asked_s + heartbeat_s
    if timer_s == np.inf:
        return answer_s
    return np.where(heartbeat_s < timer_s, answer_s, asked_s) + timer_s
