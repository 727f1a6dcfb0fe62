"""Wrong profiles, one mistake each, and the exact line that names it."""

from pathlib import Path

import pytest

from hbprobe.errors import UserError
from hbprobe.profiles.loader import ProfileError, load_profile, read_text

GALLERY = Path(__file__).parent / "gallery"
TOP = "(id, name, vendor, built_on, category, layer, about, timers, sweep, half_close, http, sources)"
CATEGORIES = (
    "firewall, nat, cloud-load-balancer, load-balancer, reverse-proxy, cdn, secure-gateway, carrier, home-gateway, "
    "operating-system, example"
)
INFERABLE = "(allowed: expiry, restarted_by, revived_by)"
GRADES = "(allowed: vendor, paper, third-party, measured, example)"
DURATION = "write seconds (600) or a number and a unit (10min)"
EXPIRIES = "silent, reset-on-next, reset, close, respond, rebalance"
TIMER = (
    "(allowed: default, min, max, population, step, jitter, expiry, tells, status, body, retries, probes, "
    "restarted_by, revived_by, inferred, source, note, configure)"
)
FLOW_TIMERS = "(it has half_open, first_data, idle, unacknowledged, half_closed, lifetime)"
HTTP_TIMERS = (
    "client_header, client_idle, server_connect, server_response, between_bytes, tunnel_idle, total, lifetime"
)
TIMERS = (
    "must be a block of keys (half_open, first_data, idle, unacknowledged, half_closed, client_header, client_idle, "
    "server_connect, server_response, between_bytes, tunnel_idle, total, lifetime)"
)

MESSAGES = {
    "alias": ":8:10: an alias (*): quote a text that begins so, or write it out",
    "anchor": ":8:10: an anchor (&): quote a text that begins so, or leave it out",
    "bad-id": ":1: id: 'Wrong One' is not an id: small letters and digits, joined by single hyphens",
    "bad-indentation": ":8:4: broken YAML: indented unlike the lines before it",
    "bad-unit": ":7: timers.idle.default: '10 parsecs' has an unknown unit 'parsecs': use ms, s, sec, m, min, h, d",
    "bad-url": ":15: sources.manual.url: 'example.com/manual' is not a web address: write https://...",
    "binary": ":1: not text: the character '\\x00'",
    "body-with-close": ":10: timers.total.body: goes with expiry respond, not with close",
    "boolean-as-duration": f":7: timers.idle.default: 'true' is not a duration: {DURATION}",
    "client-header-at-layer-packet": f":6: timers.client_header: layer packet has no such timer {FLOW_TIMERS}",
    "client-idle-restarted-by-the-server": (
        ":9: timers.client_idle.restarted_by: must be client-data for client_idle, not server-data"
    ),
    "clock-as-duration": f":7: timers.idle.default: '0:10:99' is not a duration: {DURATION}",
    "colon-in-text": ":2:12: broken YAML: a colon out of place: indent the key rightly, or quote the text",
    "control-character": ":2: name: has the character '\\x1b', which does not print: take it out",
    "default-above-max": ":7: timers.idle.default: 2 h is above max, 1 h",
    "default-below-min": ":7: timers.idle.default: 4 min is below min, 5 min",
    "duplicate-key": ":10: timers.idle.max: stands twice, first in line 9",
    "empty": ":1: is empty: see hbprobe profiles show ten-minute-provider",
    "empty-name": ":2: name: is empty: write a value",
    "empty-timer": ":6: timers.idle: is empty: write a value, or leave it out",
    "empty-value": ":7: timers.idle.default: is empty: write a value, or leave it out",
    "first-data-restarted": ":9: timers.first_data.restarted_by: first_data is a total: must be nothing, not data",
    "ftp-url": ":15: sources.manual.url: 'ftp://example.com/manual' is not a web address: write https://...",
    "half-close-at-layer-http": ":11: half_close: needs layer packet or tcp, not http",
    "http-at-layer-tcp": ":11: http: needs layer http, not tcp",
    "idle-at-layer-http": f":6: timers.idle: layer http has no such timer (it has {HTTP_TIMERS})",
    "inferred-nothing-known": f":12: timers.idle.inferred[0]: 'default' is not allowed {INFERABLE}",
    "infinite": f":7: timers.idle.default: '.inf' is not a duration: {DURATION}",
    "jitter-at-layer-http": ":10: timers.client_idle.jitter: needs layer packet or tcp, not http",
    "key-that-is-a-list": ":2: has a key that is not plain text",
    "list-as-duration": f":7: timers.idle.default: is a list: {DURATION}",
    "list-at-the-top": f":1: is a list: must be a block of keys {TOP}",
    "long-id": ":1: id: is longer than 60 characters",
    "merge-key": ":7: timers.idle.<<: merge keys are not read: write the keys out",
    "min-above-max": ":8: timers.idle.min: 2 h is above max, 1 h",
    "missing-key": f":6: timers.idle.expiry: is missing: write one of {EXPIRIES}",
    "missing-timers": f":1: timers: is missing: {TIMERS}",
    "more-than-a-century": ":9: timers.idle.max: '99999d' is more than a hundred years",
    "negative": f":7: timers.idle.default: '-600' is below 0: {DURATION}",
    "no-source": ":12: timers.idle.source: is an empty list: name at least one",
    "not-utf-8": ":2: not UTF-8: the byte 0xfc; save it as UTF-8",
    "only-comments": ":1: is empty: see hbprobe profiles show ten-minute-provider",
    "population-of-nobody": ":10: timers.idle.population: is an empty list: name at least one",
    "probes-and-rebalance": ":10: timers.idle.probes: goes with any expiry but rebalance",
    "probes-of-a-lifetime": ":10: timers.lifetime.probes: goes with timer idle, not with lifetime",
    "rebalance-at-layer-tcp": ":8: timers.idle.expiry: rebalance needs layer packet, not tcp",
    "rebalance-of-a-lifetime": ":8: timers.lifetime.expiry: rebalance goes with timer idle, not with lifetime",
    "reset-on-next-at-layer-http": ":8: timers.total.expiry: reset-on-next needs layer packet or tcp, not http",
    "respond-at-layer-packet": ":10: timers.idle.expiry: respond needs layer http, not packet",
    "respond-in-mid-answer": (
        ":8: timers.between_bytes.expiry: between_bytes runs where no answer is due: must be close, reset or silent"
    ),
    "respond-without-status": ":6: timers.total.status: is missing: expiry respond needs one, from 400 to 599",
    "restarted-total": ":11: timers.lifetime.restarted_by: lifetime is a total: must be nothing, not any-packet",
    "retries-of-a-total": ":10: timers.total.retries: goes with timer server_response, not with total",
    "revival-after-reset": ":10: timers.idle.revived_by: goes with expiry silent, not with reset",
    "revival-at-layer-tcp": ":10: timers.idle.revived_by: needs layer packet, not tcp",
    "share-of-nothing": ":12: timers.idle.population[1]: needs exactly, or above",
    "share-of-two-kinds": ":11: timers.idle.population[0].above: goes without exactly",
    "share-upside-down": ":11: timers.idle.population[0].up_to: 1 min is not above 5 min",
    "share-with-an-end-only": ":11: timers.idle.population[0].up_to: goes with above, not with exactly",
    "source-with-nothing": ":14: sources.manual: needs a url, or says: where the number comes from",
    "status-in-words": ":10: timers.total.status: 'Gateway Timeout' is not a whole number: write digits, as in 504",
    "status-of-a-fine-day": ":10: timers.total.status: must be 400 or more",
    "status-too-high": ":10: timers.total.status: must be 599 or less",
    "status-with-close": ":10: timers.total.status: goes with expiry respond, not with close",
    "tab": ":7:1: broken YAML: a tab: indent with spaces",
    "tag": ":7:14: a tag (!): leave it out",
    "tells-at-layer-http": ":10: timers.total.tells: needs layer packet or tcp; for layer http see http.server_side",
    "tells-with-silent": ":11: timers.idle.tells: goes with expiry reset-on-next, reset, close, not with silent",
    "text-as-source": ":14: sources.manual: is text: must be a block of keys (url, grade, says)",
    "text-as-timers": f":5: timers: is text: {TIMERS}",
    "text-at-the-top": f":1: is text: must be a block of keys {TOP}",
    "too-deep": ":1:21: nested more than 20 deep",
    "two-documents": ":17:1: broken YAML: a second document: one profile a file",
    "unacknowledged-total": (
        ":9: timers.unacknowledged.restarted_by: must be any-packet or data for unacknowledged, not nothing"
    ),
    "unclosed-quote": ":2:7: broken YAML: a quote or bracket that is never closed",
    "unknown-category": f":3: category: 'fire-wall' is not allowed; did you mean firewall? (allowed: {CATEGORIES})",
    "unknown-expiry": f":10: timers.idle.expiry: 'slient' is not allowed; did you mean silent? (allowed: {EXPIRIES})",
    "unknown-grade": f":16: sources.manual.grade: 'rumour' is not allowed {GRADES}",
    "unknown-key": f":7: timers.idle.defualt: unknown key; did you mean default? {TIMER}",
    "unknown-key-at-the-top": f":5: colour: unknown key (allowed: {TOP[1:]}",
    "unknown-layer": ":4: layer: '7' is not allowed (allowed: packet, tcp, http)",
    "unknown-server-side": ":12: http.server_side: 'rst' is not allowed; did you mean reset? (allowed: close, reset)",
    "unknown-source": ":12: timers.idle.source: 'manaul' is not among the profile's sources (manual)",
    "unknown-source-of-half-close": ":13: half_close.source: 'guess' is not among the profile's sources (manual)",
    "unknown-source-of-sweep": ":15: sweep.source: 'guess' is not among the profile's sources (manual)",
    "weightless-share": ":12: timers.idle.population[1].weight: is missing: write digits, as in 504",
    "yes-for-true": ":12: http.via: 'yes' is neither true nor false: write true or false",
    "zero": ":7: timers.idle.default: must be above 0; a timer that does not run is left out",
}


def the_message(name: str) -> str:
    with pytest.raises(UserError) as caught:
        load_profile(GALLERY / f"{name}.yaml")
    return str(caught.value).removeprefix(str(GALLERY / f"{name}.yaml"))


@pytest.mark.parametrize("name", MESSAGES)
def test_each_wrong_profile_is_told_in_one_exact_line(name):
    assert the_message(name) == MESSAGES[name]


def test_the_table_has_every_file_of_the_gallery():
    assert sorted(MESSAGES) == sorted(path.stem for path in GALLERY.glob("*"))


def test_each_has_one_mistake_only():
    for path in sorted(GALLERY.glob("*.yaml")):
        try:
            read_text(path)
        except UserError:
            continue  # not even text
        with pytest.raises(ProfileError) as caught:
            load_profile(path)
        assert len(caught.value.mistakes) == 1, path.stem
