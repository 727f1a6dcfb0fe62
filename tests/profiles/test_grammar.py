"""What pydantic says, in words that help: beyond the gallery, every kind of value in every wrong place."""

import json

import pytest

from hbprobe.profiles.loader import examine
from hbprobe.profiles.vocabulary import TimerKind

TIMER = {"default": "5", "expiry": "silent", "restarted_by": "data", "source": "s"}
GOOD = {
    "id": "a",
    "name": "A",
    "category": "nat",
    "layer": "tcp",
    "timers": {"idle": TIMER},
    "sweep": {"every": "5", "source": "s"},
    "sources": {"s": {"grade": "paper", "says": "so"}},
}
CATEGORIES = (
    "firewall, nat, cloud-load-balancer, load-balancer, reverse-proxy, cdn, secure-gateway, carrier, home-gateway, "
    "operating-system, example"
)
TIMER_KEYS = (
    "default, min, max, population, step, jitter, expiry, tells, status, body, retries, probes, restarted_by, "
    "revived_by, inferred, source, note, configure"
)
FIRST = "timers.idle.population[0]"
COUNT = "timers.idle.probes.count"
DIGITS = "write digits, as in 504"
NEITHER = "is neither true nor false: write true or false"
KEYS_OF_A_SHARE = "(exactly, above, up_to, weight)"
SHARES = f"must be a list of blocks {KEYS_OF_A_SHARE}"
ENDS = "(allowed: both, client, server)"
WORDS = "write a word or a list of words"
SOURCES = "a name for each source, and under it url, grade, says"
DURATION = "write seconds (600) or a number and a unit (10min)"


def told(*way: str, value: object) -> list[str]:
    """Return the mistakes of the good profile with another value at the end of the way."""
    tree = json.loads(json.dumps(GOOD))
    block = tree
    for key in way[:-1]:
        block = block[key]
    block[way[-1]] = value
    return [mistake.in_file("f").removeprefix("f:1: ") for mistake in examine(json.dumps(tree)).mistakes]


def test_the_good_one_is_good():
    assert told("id", value="a") == []


@pytest.mark.parametrize(
    ("way", "value", "message"),
    [
        (["name"], [], "name: is a list: write text"),
        (["category"], {}, f"category: '{{}}' is not allowed (allowed: {CATEGORIES})"),
        (["sources"], [], f"sources: is a list: must be a block: {SOURCES}"),
        (["sources", "s", "says"], {"a": "b"}, "sources.s.says: is a block of keys: write text"),
        (["sources", "s", "url"], [], "sources.s.url: is a list: write text"),
        (["sources", "s", "url"], "https://", "sources.s.url: 'https://' is not a web address: write https://..."),
        (["timers", "idle"], "5", f"timers.idle: is text: must be a block of keys ({TIMER_KEYS})"),
        (["timers", "idle", "default"], {}, f"timers.idle.default: is a block of keys: {DURATION}"),
        (["timers", "idle", "source"], {"a": "b"}, f"timers.idle.source: is a block of keys: {WORDS}"),
        (["timers", "idle", "source"], [["s"]], "timers.idle.source[0]: is a list: write text"),
        (["timers", "idle", "source"], ["s", ""], "timers.idle.source[1]: is empty: write a value"),
        (["timers", "idle", "inferred"], {"a": "b"}, f"timers.idle.inferred: is a block of keys: {WORDS}"),
        (["timers", "idle", "tells"], "all", f"timers.idle.tells: 'all' is not allowed {ENDS}"),
        (["timers", "idle", "population"], {"5": "1"}, f"timers.idle.population: is a block of keys: {SHARES}"),
        (["timers", "idle", "population"], ["5"], f"{FIRST}: is text: must be a block of keys {KEYS_OF_A_SHARE}"),
        (["timers", "idle", "population"], [], "timers.idle.population: is an empty list: name at least one"),
        (["timers", "idle", "probes"], {}, f"timers.idle.probes.every: is missing: {DURATION}"),
        (["timers", "idle", "probes"], {"every": "5", "count": []}, f"{COUNT}: is a list: {DIGITS}"),
        (["timers", "idle", "probes"], {"every": "5", "count": "0"}, f"{COUNT}: must be 1 or more"),
        (["timers", "idle", "probes"], {"every": "5", "count": "101"}, f"{COUNT}: must be 100 or less"),
        (["timers", "idle", "probes"], {"every": "5", "count": "x"}, f"{COUNT}: 'x' is not a whole number: {DIGITS}"),
        (["half_close"], {"allowed": [], "source": "s"}, "half_close.allowed: is a list: write true or false"),
        (["half_close"], {"allowed": "no", "source": "s"}, f"half_close.allowed: 'no' {NEITHER}"),
        (["half_close"], {"source": "s"}, "half_close.allowed: is missing: write true or false"),
        (["sweep"], {"every": "5"}, "sweep.source: is missing: write a word or a list of words"),
        (["sweep", "every"], "0", "sweep.every: must be above 0; a timer that does not run is left out"),
        (["sweep", "evry"], "5", "sweep.evry: unknown key; did you mean every? (allowed: every, passes, source, note)"),  # noqa: E501
    ],
)  # fmt: skip
def test_every_kind_in_the_wrong_place(way, value, message):
    assert told(*way, value=value) == [message]


def test_missing_parts_say_what_they_want():
    assert [mistake.in_file("f") for mistake in examine("id: a\nsources: {s: {says: so}}").mistakes] == [
        "f:1: name: is missing: write text",
        f"f:1: category: is missing: write one of {CATEGORIES}",
        "f:1: layer: is missing: write one of packet, tcp, http",
        f"f:1: timers: is missing: must be a block of keys ({', '.join(TimerKind)})",
        "f:2: sources.s.grade: is missing: write one of vendor, paper, third-party, measured, example",
    ]
