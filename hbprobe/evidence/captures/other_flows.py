"""What the other connections of a capture say of one: was the path up when it died, was the server restarted?"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from hbprobe.duration import format_duration
from hbprobe.evidence.captures.fate import ConnectionFate, ConnectionVerdict, Maker, Sign, Weight
from hbprobe.evidence.captures.retention import ACK, FIN, RST, Rows
from hbprobe.evidence.captures.tcp_flow import Endpoint, TcpFlow, numbers_of
from hbprobe.manner import Manner
from hbprobe.trial.outcome import Cause

_AFTER_S = 60.0
"""Signs of life so long after a connection fell silent still tell of the path it had."""


@dataclass(slots=True)
class OtherFlows:
    """When each host was heard of, and when a server refused a connection."""

    rows: Rows
    """All packets that were kept."""
    refused: dict[tuple[str, int], list[float]] = field(default_factory=lambda: defaultdict(list))
    """By address and port."""
    _heard: dict[str, tuple[NDArray[np.float64], NDArray[np.uint16]]] = field(default_factory=dict)

    def add(self, flow: TcpFlow) -> None:
        """Note a connection that was refused."""
        packets = flow.packets
        if packets[0].is_opening and all(one.has(RST) for one in packets if one.sender is Endpoint.SERVER):
            self.refused[flow.server, flow.server_port] += [one.at_s for one in packets if one.has(RST)]

    def heard(self, address: str) -> tuple[NDArray[np.float64], NDArray[np.uint16]]:
        """Return when a host sent what ends no connection, in order, and the client's port, the higher one."""
        if address not in self._heard:
            rows, (high, low) = self.rows, numbers_of(address)
            alive = (rows["source_low"] == low) & (rows["source_high"] == high) & ((rows["flags"] & (RST | FIN)) == 0)
            mine = rows[alive]
            mine = mine[np.argsort(mine["time_ns"], kind="stable")]
            self._heard[address] = mine["time_ns"] / 1e9, np.maximum(mine["source_port"], mine["target_port"])
        return self._heard[address]


def weighed(verdicts: Iterable[ConnectionVerdict], other_flows: OtherFlows) -> list[ConnectionVerdict]:
    """Return the verdicts with what the other connections say of each."""
    return [_weigh(verdict, other_flows) for verdict in verdicts]


def _weigh(verdict: ConnectionVerdict, other_flows: OtherFlows) -> ConnectionVerdict:
    if Cause.PATH_DOWN in verdict.causes and verdict.at_s is not None:
        return _of_path(verdict, other_flows, verdict.at_s)
    if verdict.in_name_of is Endpoint.SERVER and verdict.maker is Maker.UNKNOWN and verdict.at_s is not None:
        return _of_server(verdict, other_flows, verdict.at_s)
    return verdict


def _of_path(verdict: ConnectionVerdict, other_flows: OtherFlows, at_s: float) -> ConnectionVerdict:
    flow, mute = verdict.flow, verdict.in_name_of
    address = flow.server if mute is Endpoint.SERVER else flow.client
    own = max(flow.client_port, flow.server_port)
    times, ports = other_flows.heard(address)
    first, last = np.searchsorted(times, [at_s, at_s + _AFTER_S], "right").tolist()
    others = times[first:last][ports[first:last] != own]
    if not len(others) or verdict.ending is not ConnectionFate.IDLE_DEATH:
        return verdict
    later = format_duration(float(others[0]) - at_s)
    text = f"the {mute} was heard on another connection {later} later: the path was up"
    return replace(verdict, causes=(Cause.STATE_LOST_SILENTLY,), signs=(*verdict.signs, Sign(Weight.STRONG, text)))


def _of_server(verdict: ConnectionVerdict, other_flows: OtherFlows, at_s: float) -> ConnectionVerdict:
    flow = verdict.flow
    alive = [one.at_s for one in flow.packets if one.sender is Endpoint.SERVER and one.at_s < at_s and one.has(ACK)]
    times = sorted(other_flows.refused[flow.server, flow.server_port])
    if not alive or bisect_left(times, alive[-1]) == bisect_right(times, at_s):
        return verdict
    text = "the server refused new connections between its last packet here and this end: it was down"
    causes = (Cause.RESET_BY_SERVER,) if verdict.how is Manner.RESET else verdict.causes
    return replace(
        verdict, causes=causes, maker=Maker.SERVER, signs=(*verdict.signs, Sign(Weight.STRONG, text, Maker.SERVER))
    )


def simultaneous(deaths: Sequence[ConnectionVerdict], within_s: float = 1.0) -> list[list[ConnectionVerdict]]:
    """Return the groups of three and more that ended at one moment although their silences were of different age.

    A timer does not do that; a restart, a failover or a rule that was loaded does.
    """
    timed = sorted((one for one in deaths if one.at_s is not None), key=lambda one: one.at_s or 0.0)
    groups: list[list[ConnectionVerdict]] = []
    for one in timed:
        if groups and (one.at_s or 0.0) - (groups[-1][-1].at_s or 0.0) <= within_s:
            groups[-1].append(one)
        else:
            groups.append([one])
    return [group for group in groups if len(group) >= 3 and _differ(group)]


def _differ(group: Sequence[ConnectionVerdict]) -> bool:
    ages = [one.idle_s or 0.0 for one in group]
    return max(ages) - min(ages) > 2.0 + 0.1 * max(ages)
