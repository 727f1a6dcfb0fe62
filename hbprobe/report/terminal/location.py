"""What locating showed, on the terminal."""

from rich.console import Console, RenderableType

from hbprobe.diagnosis.advice import what_moves
from hbprobe.locate.finding import ALL, NONE, Code, Reached
from hbprobe.records.location import Location
from hbprobe.report.terminal.layout import pairs, table_of
from hbprobe.report.terminal.words import how_words
from hbprobe.text import counted, named, seconds
from hbprobe.trial.methods.table import pings_after_login
from hbprobe.trial.outcome import Kind, Limit


def print_location(location: Location, console: Console) -> None:
    """Print which hop forgets and what to do, and then what was seen hop by hop."""
    console.print(pairs(location_answer(location)))
    console.print()
    if location.seen:
        console.print(_hop_table(location))
        console.print()
    console.print(pairs([*location_facts(location), *(("note", note) for note in location.notes)]))


def location_answer(location: Location) -> list[tuple[str, str]]:
    """Return what was found, what to do, and what may be otherwise."""
    finding = location.finding
    return [
        ("finding", finding.text),
        *named("do", _to_do(location)),
        *(("but", doubt) for doubt in finding.doubts),
    ]


def _to_do(location: Location) -> list[str]:
    """Return what ends the trouble: there, and in the application."""
    finding, limit_s = location.finding, location.limit_s
    if limit_s is None or finding.code in (Code.OPEN, Code.NOT_KNOWN):
        return []
    is_late = location.asked is not None and pings_after_login(location.asked.method)
    own = f"in the application: {what_moves(pings_after_login=is_late)} well within {seconds(limit_s)} s"
    data = f"{own}, sent as data"
    if is_late:
        data = f"in the application: after the login, a ping well within {seconds(limit_s)} s"
    match finding.code:
        case Code.HOP:
            whose = finding.address or f"hop {finding.hop}"
            return [f"ask who runs {whose} for a longer idle timeout than {seconds(limit_s)} s", own]
        case Code.END:
            return ["at the server, or at what stands before it: a longer idle timeout", own]
        case Code.SERVER:
            absolute = "one that counts from the start, as for the login, is set back by no ping"
            return ["at the server: a longer limit of its own", f"{data}, if the limit is one of silence: {absolute}"]
        case _:
            return [f"{data}, if it is an idle timer: TCP keep-alives do not help here"]


def location_facts(location: Location) -> list[tuple[str, str]]:
    """Return what was asked of the path."""
    facts = [("label", location.label)] if location.label else []
    facts.append(("target", location.target))
    if location.limit_s is not None:
        facts.append(("limit", f"cut at {seconds(location.limit_s)} s{', as was said' if location.is_given else ''}"))
    if (asked := location.asked) is not None:
        held = f"{counted(len(location.seen), 'request')} for {seconds(asked.hold_s)} s, {asked.in_turn}"
        facts.append(("held", f"{held}; a keep-alive every {asked.every_s} s"))
    return facts


HOP_COLUMNS = ("hop", "address", "round trip", "request")


def _hop_table(location: Location) -> RenderableType:
    return table_of(HOP_COLUMNS, ("hop", "round trip"), hop_rows(location))


def hop_rows(location: Location) -> list[tuple[str, str, str, str]]:
    """Return a row for each reach, in order: how far keep-alives went, and what became of the request."""
    route, known = location.route, {hop.ttl: hop for hop in location.route.hops}
    rows = []
    for ttl in dict.fromkeys(one.ttl for one in location.seen):
        hop = known.get(ttl)
        name = {NONE: "-", ALL: "all"}.get(ttl, str(ttl))
        where = {NONE: "no keep-alives", ALL: "keep-alives all the way", route.distance: "answers TCP"}
        address = where.get(ttl) or (hop.address if hop is not None else None) or "?"
        trip = f"{hop.round_trip_s * 1000:.1f} ms" if hop is not None and hop.round_trip_s is not None else ""
        outcomes = dict.fromkeys(_outcome(one) for one in location.seen if one.ttl == ttl)
        guilty = " <-" if ttl == location.finding.hop and location.finding.code is not Code.NOT_BY_KEEP_ALIVE else ""
        rows.append((name, address, trip, "; ".join(outcomes) + guilty))
    return rows


def _outcome(one: Reached) -> str:
    outcome = one.outcome
    if outcome.kind is Kind.SURVIVED:
        return "lived"
    if outcome.kind is Kind.FAILED:
        return f"told nothing: {outcome.reason}"
    when = f" at {outcome.elapsed_s:.2f} s" if outcome.exact else ""
    return f"cut: {how_words(Limit(None, None, outcome.how, outcome.status))}{when}"
