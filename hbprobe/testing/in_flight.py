"""Whether peers on this machine still wait to send again what a box did not hear: the kernel's own timers do that.

The kernel repeats lost bytes after 0.2 s at the soonest and doubles the wait each time, a SYN after one second (RFC
6298). It does so in real time, which the warp clock does not wait for unless something holds it.
"""

import time
from collections.abc import Iterator
from pathlib import Path

_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
"""proc_net_tcp.txt in Linux's documentation: local and remote address, state, bytes to be acknowledged."""
_SYN_SENT = 2
_FIRST_REPEAT_S = 0.2
_FIRST_SYN_S = 1.0
_SLACK_S = 0.1
_LOOK_S = 0.01


def wait_until_delivered(box_port: int, server_port: int, dark_s: float) -> None:
    """Wait in real time, in a thread, until nobody has anything left to send again to the box with these ports.

    `dark_s`: so long in real time has the box not heard. Whoever was silenced for good is not waited for: a repeat
    follows the last one within the time that has passed since the first, and a little.
    """
    began_s = time.perf_counter()
    while True:
        states = list(_waiting(box_port, server_port))
        first_s = _FIRST_SYN_S if _SYN_SENT in states else _FIRST_REPEAT_S
        if not states or time.perf_counter() - began_s > dark_s + first_s + _SLACK_S:
            return
        time.sleep(_LOOK_S)  # noqa: TID251 - the kernel's timers run in real time


def _waiting(box_port: int, server_port: int) -> Iterator[int]:
    """Yield the states of connections to the box, or from its server, with something that is not acknowledged."""
    for table in _TABLES:
        try:
            rows = table.read_text(encoding="ascii").splitlines()[1:]
        except OSError:  # not Linux, or hidden: there nobody can be made mute, either
            continue
        for row in rows:
            _, local, remote, state, queues, *_ = row.split()
            concerns = _port(remote) == box_port or _port(local) == server_port
            if concerns and (int(state, 16) == _SYN_SENT or int(queues.partition(":")[0], 16)):
                yield int(state, 16)


def _port(address: str) -> int:
    return int(address.rpartition(":")[2], 16)
