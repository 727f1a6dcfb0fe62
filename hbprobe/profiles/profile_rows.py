"""Profiles as rows of text, for whoever prints them. `*` marks what is inferred."""

from collections.abc import Iterator

from hbprobe.duration import format_duration
from hbprobe.manner import Expiry, Layer
from hbprobe.profiles.mistakes import quoted
from hbprobe.profiles.model import (
    Ends,
    Http,
    Http2,
    Inferable,
    Known,
    Probes,
    Profile,
    Restart,
    ServerSide,
    Sweep,
    Timer,
    TimerKind,
)
from hbprobe.profiles.running import format_range
from hbprobe.profiles.silent_request import deciding_timer, outlived, timer_s, tunnel_timer, upgrade_is_untold

INFERRED = "* inferred: follows from how such boxes work; no source says it"

UPGRADE_UNTOLD = "no source says how long a connection may be idle that was upgraded"

_PINGS = {
    True: "a PING sets the timer of a connection without a request back",
    False: "a PING sets no timer back",
    None: "no source tells whether a PING sets a timer back, and in a simulated box it does not",
}

LIST_HEADER = ("profile", "layer", "seconds", "limit", "at expiry", "restarted by")
TIMER_HEADER = ("timer", "default", "range", "at expiry", "restarted by", "source")


def list_row(profile: Profile) -> tuple[str, ...]:
    """Return the line of a profile in a list: what it makes of a request that is held in silence."""
    limit_s = timer_s(profile)
    length = ("-", "for ever") if limit_s is None else (f"{limit_s:.10g}", format_duration(limit_s))
    timer = deciding_timer(profile)
    if timer is None:
        return (profile.id, profile.layer, *length, "-", "-")
    return (profile.id, profile.layer, *length, _expiry_in_list(timer), _restart_in_list(timer))


def timer_rows(profile: Profile) -> list[tuple[str, ...]]:
    """Return a line for each timer of the profile."""
    return [_timer_row(kind, timer) for kind, timer in profile.each_timer()]


def notes(profile: Profile) -> list[tuple[str, str]]:
    """Return what a profile says that is no number of a row, each with what it is about."""
    found = [(str(kind), text) for kind, timer in profile.each_timer() if (text := _in_words(timer))]
    if profile.sweep is not None:
        found.append(("sweep", _with(_sweep(profile.sweep), profile.sweep.source, profile.sweep.note)))
    if profile.half_close is not None:
        one = profile.half_close
        text = "after one end's FIN the other goes on" if one.allowed else "the FIN of one end ends both directions"
        found.append(("half_close", _with(text, one.source, one.note)))
    if profile.http is not None:
        found.append(("http", _http(profile.http)))
    if profile.layer is Layer.HTTP:
        told = profile.http or Http()
        found.append(("HTTP/2", _http2(told.http2)))
        streams = told.event_streams
        found.append(("event streams", _known(streams) if streams else "no source tells more than the timers do"))
        upgrades = [_known(told.upgrades)] if told.upgrades else []
        upgrades += [untold_of_upgrades(profile)] if upgrade_is_untold(profile) else []
        found += [("WebSocket", text) for text in (" ".join(upgrades),) if text]
    return found


def untold_of_upgrades(profile: Profile) -> str:
    """Say that no source tells it, and what a simulated box does instead."""
    timer = tunnel_timer(profile)
    return f"{UPGRADE_UNTOLD}; a simulated box {'never ends it' if timer is None else f'goes on with its {timer[0]}'}"


def sources(profile: Profile) -> list[tuple[str, str]]:
    """Return the sources: key, grade and address of each, and what it says."""
    return [
        (" ".join(filter(None, (f"{key} ({source.grade})", str(source.url or "")))), source.says)
        for key, source in profile.sources.items()
    ]


def has_inferred(profile: Profile) -> bool:
    """Return whether any statement of the profile is inferred."""
    return any(timer.inferred for _, timer in profile.each_timer())


def _timer_row(kind: TimerKind, timer: Timer) -> tuple[str, ...]:
    cited = ", ".join(timer.source)
    return (kind, format_duration(timer.default), format_range(timer) or "-", _expiry(timer), _restart(timer), cited)


def _expiry_in_list(timer: Timer) -> str:
    if timer.probes is not None:
        return "asks first"
    if outlived(timer) and timer.revived_by is not None:
        return "is revived"
    status = f" {timer.status}" if timer.status is not None else ""
    return f"{timer.expiry}{status}{_mark(timer, Inferable.EXPIRY)}"


def _restart_in_list(timer: Timer) -> str:
    """Write what restarts a timer, so short that a list fits into a hundred columns."""
    return _restart(timer).replace(Restart.EACH_DIRECTION, "each way")


def _expiry(timer: Timer) -> str:
    told = "" if timer.tells is Ends.BOTH else f" ({timer.tells} only)"
    status = f" {timer.status}" if timer.status is not None else ""
    return f"{timer.expiry}{status}{told}{_mark(timer, Inferable.EXPIRY)}"


def _restart(timer: Timer) -> str:
    return f"{timer.restarted_by}{_mark(timer, Inferable.RESTARTED_BY)}"


def _mark(timer: Timer, statement: Inferable) -> str:
    return "*" if statement in timer.inferred else ""


def _in_words(timer: Timer) -> str:
    said = [f"{text}." for text in (*_length(timer), *_end(timer)) if text]
    configured = f"It is set with: {' '.join(timer.configure.command.split())}" if timer.configure else ""
    return " ".join(text for text in (*said, timer.note, configured) if text)


def _length(timer: Timer) -> Iterator[str]:
    """Say what makes the timer longer or shorter than its default."""
    if timer.population is not None:
        shares = ", ".join(f"{share} ({share.weight})" for share in timer.population)
        yield f"A box draws its own by weight: {shares}"
    if timer.step is not None:
        yield f"It counts in steps of {format_duration(timer.step)}, and runs out with the next one"
    if timer.jitter is not None:
        yield f"Each flow gets a random share of {format_duration(timer.jitter)} on top"
    if timer.retries:
        more = "once more" if timer.retries == 1 else f"{timer.retries} more times"
        yield f"The request is sent {more} before that, so the client hears after {1 + timer.retries} times the timer"


def _end(timer: Timer) -> Iterator[str]:
    """Say what the words in a row leave open about the end."""
    if timer.restarted_by is Restart.EACH_DIRECTION:
        yield "Each direction has a timer of its own, and the first to run out ends the flow"
    if timer.probes is not None:
        yield _probes(timer.probes)
    if timer.revived_by is not None:
        end = "either end" if timer.revived_by is Ends.BOTH else f"the {timer.revived_by}"
        yield f"A packet of {end} brings the flow back{_mark(timer, Inferable.REVIVED_BY)}"
    if timer.expiry is Expiry.REBALANCE:
        yield Expiry.REBALANCE.meaning.removesuffix(".")
    if timer.body:
        yield f"The answer's body: {quoted(timer.body)}"


def _probes(probes: Probes) -> str:
    asked = "both ends" if probes.asks is Ends.BOTH else f"the {probes.asks}"
    times = "once, and waits" if probes.count == 1 else f"{probes.count} times, and waits each time"
    return f"The box asks {asked} first, {times} {format_duration(probes.every)}; an answer starts the timer again"


def _sweep(sweep: Sweep) -> str:
    until = "then" if sweep.passes == 1 else f"{sweep.passes} looks have found them overdue"
    return f"looks over its table every {format_duration(sweep.every)}, and flows live until {until}"


def _with(text: str, cited: tuple[str, ...], note: str) -> str:
    return f"{text} ({', '.join(cited)}). {note}".rstrip()


def _http2(told: Http2 | None) -> str:
    if told is None:
        return f"no source tells; a simulated box speaks it, and {_PINGS[False]}"
    if not told.spoken:
        return _with("not spoken with clients", told.source, told.note)
    return _with(f"spoken with clients; {_PINGS[told.pings_count]}", told.source, told.note)


def _known(told: Known) -> str:
    return f"{told.note} ({', '.join(told.source)})"


def _http(http: Http) -> str:
    kept = "stays open" if http.keeps_client else "is closed"
    ended = "RST" if http.server_side is ServerSide.RESET else "FIN"
    adds = " and ".join(name for name, on in (("Via", http.via), ("X-Forwarded-For", http.forwarded_for)) if on)
    text = f"after a status of its own the client's connection {kept}; the server sees {ended}"
    text = f"{text}; adds {adds}" if adds else text
    sources = ", ".join(http.no_tunnel_timer or ())
    return f"{text}; nothing ends a tunnel that is quiet ({sources})" if sources else text
