"""A box of layer packet as Linux's own connection tracking: a profile rendered as nftables rules and sysctls.

The box is a router with two links, `client` and `server`. A connection that begins with a SYN is tracked, under the
profile's timers; nothing else is (`nf_conntrack_tcp_loose=0`). When a timer runs out the kernel forgets, and what
comes then is out of state: dropped, or answered with RST. What netfilter has no rule for, to speak up at expiry, is
left to a watcher of conntrack's events, and `KernelBox.sends` says what it has to send.

Conntrack counts whole seconds. A lab that runs `rate` times as fast divides each timer by that, and rounds it up.

Sources: nft(8), https://www.netfilter.org/projects/nftables/manpage.html (ct timeout, reject), and
https://docs.kernel.org/networking/nf_conntrack-sysctl.html (the timers of each state).
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from hbprobe.duration import format_duration
from hbprobe.errors import RequestError
from hbprobe.manner import Act, Layer
from hbprobe.net.replies import EndKind
from hbprobe.profiles.model import Category, Ends, Profile, Restart, Timer, TimerKind

SHORTEST_S = 2
"""The shortest idle timer that a lab runs: a probe takes what ends within a second for a refusal."""
_FOREVER_S = 864_000
"""Ten days, where the profile has no timer: conntrack must have a number, and in jiffies it must fit 31 bits."""
_ROUNDING = 1e-9
_TRANSLATING = frozenset({Category.NAT, Category.HOME_GATEWAY, Category.CARRIER})
"""A profile has no word for it, so its category decides."""
_RUN = (TimerKind.HALF_OPEN, TimerKind.IDLE, TimerKind.UNACKNOWLEDGED, TimerKind.HALF_CLOSED)
"""The timers that conntrack has, too."""


@dataclass(frozen=True, slots=True)
class KernelBox:
    """What makes a router behave as a profile says."""

    ruleset: str
    """What `nft -f -` reads."""
    sysctls: Mapping[str, str]
    sends: EndKind | None
    """What a watcher must send to the ends of a flow that expires; None for a box that the rules alone describe."""
    tells: Ends
    """To which ends."""
    idle_s: int | None
    """The idle timer that is run, in real seconds."""
    remarks: tuple[str, ...]
    """What is run, and what the profile says that is not."""


def translates(profile: Profile) -> bool:
    """Return whether a box of this profile rewrites addresses, unless a lab says otherwise."""
    return profile.category in _TRANSLATING


def render(profile: Profile, *, rate: float = 1.0, nat: bool = False) -> KernelBox:
    """Render a profile for a lab that runs `rate` times as fast as the path it stands for.

    `nat` has it rewrite the client's address to its own. Raises UserError for a box that is no packet filter, and for
    a rate that leaves too little of its idle timer.
    """
    if profile.layer is not Layer.PACKET:
        text = "{id}: layer {layer} ends connections, which no rule of the kernel does: leave it out or drop {kernel}"
        raise RequestError(text, "profiles", id=profile.id, layer=profile.layer)
    idle = _idle(profile)
    seconds = {kind: _whole_s(timer, rate) for kind, timer in profile.each_timer() if kind in _RUN}
    if idle is None:
        seconds.pop(TimerKind.IDLE, None)
    elif seconds[TimerKind.IDLE] < SHORTEST_S:
        short = f"{profile.id}: idle of {format_duration(idle.default)} would take {idle.default / rate:.3g} s"
        text = "{clock} {rate:g}: {short}: use {most:g} or less"
        raise RequestError(text, "clock", rate=rate, short=short, most=idle.default / SHORTEST_S)
    act = None if idle is None else idle.expiry.traits.act
    return KernelBox(
        ruleset=_ruleset(idle, seconds, nat=nat),
        sysctls=MappingProxyType(_sysctls(idle)),
        sends=None if act is None else {Act.RESET: EndKind.RST, Act.CLOSE: EndKind.FIN}.get(act),
        tells=idle.tells if idle is not None else Ends.BOTH,
        idle_s=seconds.get(TimerKind.IDLE),
        remarks=(_what_runs(profile, seconds, rate, nat=nat), *_what_does_not(profile)),
    )


def _idle(profile: Profile) -> Timer | None:
    """Return the idle timer, unless flows outlive it: the server chosen anew is the same, or the box asks first."""
    idle = profile.timers.idle
    return None if idle is None or not idle.expiry.ends or idle.probes is not None else idle


def _whole_s(timer: Timer, rate: float) -> int:
    return max(1, math.ceil(timer.default / rate - _ROUNDING))


def _sysctls(idle: Timer | None) -> dict[str, str]:
    revives = idle is not None and idle.revived_by is not None
    return {
        "net.ipv4.ip_forward": "1",
        "net.ipv4.icmp_ratelimit": "0",  # a probe that asks for every hop at once gets an answer of each
        "net.netfilter.nf_conntrack_tcp_loose": "1" if revives else "0",
    }


# The rules


def _ruleset(idle: Timer | None, seconds: Mapping[TimerKind, int], *, nat: bool) -> str:
    lines = ["table ip hbprobe {", *_policy(seconds), *_forward(idle)]
    if nat:
        lines += [*_input(idle), *_postrouting()]
    return "\n".join([*lines, "}", ""])


def _policy(seconds: Mapping[TimerKind, int]) -> Iterator[str]:
    """The timers by conntrack's states; `unack` and `retrans` shorten the others while data is unacknowledged."""
    established = seconds.get(TimerKind.IDLE, _FOREVER_S)
    unacknowledged = seconds.get(TimerKind.UNACKNOWLEDGED, established)
    closing = seconds.get(TimerKind.HALF_CLOSED, established)
    states = {"established": established, "unack": unacknowledged, "retrans": unacknowledged}
    states |= dict.fromkeys(("fin_wait", "close_wait", "last_ack"), closing)
    if TimerKind.HALF_OPEN in seconds:
        states |= dict.fromkeys(("syn_sent", "syn_recv"), seconds[TimerKind.HALF_OPEN])
    yield "    ct timeout timers {"
    yield "        protocol tcp"
    yield "        l3proto ip"
    yield f"        policy = {{ {', '.join(f'{state}: {value}' for state, value in states.items())} }}"
    yield "    }"


def _forward(idle: Timer | None) -> Iterator[str]:
    yield "    chain forward {"
    yield "        type filter hook forward priority filter"
    yield "        policy drop"
    yield "        meta l4proto != tcp accept"
    yield '        ct state new tcp flags & (fin | syn | rst | ack) == syn ct timeout set "timers" accept'
    for side in _reviving(idle):
        yield f'        iifname "{side}" ct state new ct timeout set "timers" accept'
    yield "        ct state established,related accept"
    for side in _refused(idle):
        yield f'        iifname "{side}" reject with tcp reset'
    yield "    }"


def _input(idle: Timer | None) -> Iterator[str]:
    """What a NAT that has forgotten does with the server's packets: they are addressed to itself."""
    yield "    chain input {"
    yield "        type filter hook input priority filter"
    yield "        policy accept"
    if "server" in _refused(idle):
        yield '        iifname "server" meta l4proto tcp reject with tcp reset'
    else:
        yield '        iifname "server" meta l4proto tcp drop'
    yield "    }"


def _postrouting() -> Iterator[str]:
    yield "    chain postrouting {"
    yield "        type nat hook postrouting priority srcnat"
    yield "        policy accept"
    yield '        oifname "server" masquerade'
    yield "    }"


def _sides(ends: Ends | None) -> tuple[str, ...]:
    return {None: (), Ends.BOTH: ("client", "server")}.get(ends, (str(ends),))


def _refused(idle: Timer | None) -> tuple[str, ...]:
    """The sides whose late packets are answered with RST."""
    return _sides(idle.tells) if idle is not None and idle.expiry.traits.act is Act.RESET_ON_NEXT else ()


def _reviving(idle: Timer | None) -> tuple[str, ...]:
    """The sides whose late packets bring a flow back."""
    return _sides(idle.revived_by) if idle is not None else ()


# The remarks


def _what_runs(profile: Profile, seconds: Mapping[TimerKind, int], rate: float, *, nat: bool) -> str:
    timers = [_run_as(kind, timer, seconds[kind], rate) for kind, timer in profile.each_timer() if kind in seconds]
    ending = [str(profile.timers.idle.expiry)] if profile.timers.idle and TimerKind.IDLE in seconds else []
    said = [*(timers or ["no timers"]), *ending, *(["NAT"] if nat else [])]
    return f"{profile.id} ran as nftables and conntrack: {', '.join(said)}"


def _run_as(kind: TimerKind, timer: Timer, value_s: int, rate: float) -> str:
    """`idle 4 s for 5 min 50 s (rounded up, 6 min 40 s of the path)`."""
    if value_s == timer.default:
        return f"{kind} {value_s} s"
    path_s = value_s * rate
    rounded = f" (rounded up, {format_duration(path_s)} of the path)" if path_s > timer.default + _ROUNDING else ""
    return f"{kind} {value_s} s for {format_duration(timer.default)}{rounded}"


def _what_does_not(profile: Profile) -> Iterator[str]:
    """What the profile says and conntrack has no word for."""
    for kind, timer in profile.each_timer():
        if kind not in _RUN:
            yield f"{profile.id}: {kind} was not run: conntrack has no such timer"
            continue
        if not timer.expiry.ends:
            yield f"{profile.id}: {kind} was not run: the server chosen anew is the same"
        if timer.probes is not None:
            yield f"{profile.id}: {kind} was not run: the box asks the ends first, and they answer"
        if timer.restarted_by not in (Restart.ANY_PACKET, Restart.NOTHING):
            yield f"{profile.id}: {kind} was restarted by any packet, not by {timer.restarted_by}"
        for key in ("step", "jitter"):
            if getattr(timer, key) is not None:
                yield f"{profile.id}: {key} of {kind} was not run"
    if profile.sweep is not None:
        yield f"{profile.id}: its sweep was not run: conntrack forgets on time"
    if profile.half_close is not None and not profile.half_close.allowed:
        yield f"{profile.id}: one end could end alone: conntrack allows it"
