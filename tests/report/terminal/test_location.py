import io
import json

import pytest
from rich.console import Console
from support.results import located

from hbprobe import __version__
from hbprobe.locate.finding import ALL, NONE, Code, Hop, HopFinding, Reached, Route
from hbprobe.locate.hop_trials import HopQuestion
from hbprobe.manner import Aftermath, Manner
from hbprobe.records.location import Location
from hbprobe.report.terminal.location import location_answer, print_location
from hbprobe.trial.methods.table import METHODS
from hbprobe.trial.outcome import Kind, Outcome

LIVED = Outcome(Kind.SURVIVED, 309.0)
CUT = Outcome(Kind.CUT, 312.0, Manner.SILENT, aftermath=Aftermath.NOTHING)
RESET = Outcome(Kind.CUT, 300.004, Manner.RESET, exact=True)
ROUTE = Route((Hop(1, "192.0.2.1", 0.00123), Hop(2, None), Hop(3, "192.0.2.3", 0.012)), 4)
SEEN = tuple(
    Reached(ttl, outcome)
    for ttl, outcome in ((NONE, CUT), (1, RESET), (2, LIVED), (3, LIVED), (4, LIVED), (ALL, LIVED))
)


def printed(location):
    output = io.StringIO()
    print_location(location, Console(file=output, width=100))
    return [line.rstrip() for line in output.getvalue().splitlines()]


def test_the_terminal():
    assert printed(located(ROUTE, SEEN)) == [
        "finding  hop 2 (which does not tell its address) cuts: keep-alives that reach it save the request,",
        "         shorter ones do not",
        "do       ask who runs hop 2 for a longer idle timeout than 300 s",
        "         in the application: a ping or a keep-alive well within 300 s",
        "but      a box that is no hop of its own, such as a bridging firewall, is taken for the router",
        "         behind it",
        "but      hop 1 (192.0.2.1) cuts, if it looks at the TTL before its state table",
        "but      a hop behind hop 2 (which does not tell its address) cuts, if that one sets the TTL anew",
        "",
        "hop  address                  round trip  request",
        "─" * 70,
        "  -  no keep-alives                       cut: silent",
        "  1  192.0.2.1                    1.2 ms  cut: reset (RST) at 300.00 s",
        "  2  ?                                    lived <-",
        "  3  192.0.2.3                   12.0 ms  lived",
        "  4  answers TCP                          lived",
        "all  keep-alives all the way              lived",
        "",
        "target  https://mail.example:443/",
        "limit   cut at 300 s, as was said",
        "held    6 requests for 309 s, side by side; a keep-alive every 100 s",
    ]


def test_several_requests_for_a_hop_that_differ():
    extra = (Reached(2, CUT), Reached(3, Outcome(Kind.FAILED, 0.0, reason="TCP: \x1brefused")))
    lines = printed(located(ROUTE, SEEN + extra))
    assert "  2  ?                                    lived; cut: silent <-" in lines
    assert "  3  192.0.2.3                   12.0 ms  lived; told nothing: TCP: \\x1brefused" in lines


def test_the_keys():
    document = json.loads(located(ROUTE, SEEN).to_json())
    assert document == {
        "schema": "hbprobe.location/1",
        "hbprobe": __version__,
        "label": "",
        "target": "https://mail.example:443/",
        "source": None,
        "family": "any",
        "method": "hold",
        "limit": {"cut": 300.0, "given": True},
        "hold": 309.0,
        "interval": 100,
        "distance": 4,
        "hops": [
            {"ttl": 1, "address": "192.0.2.1", "round_trip": 0.0012, "refuses": False},
            {"ttl": 2, "address": None, "round_trip": None, "refuses": False},
            {"ttl": 3, "address": "192.0.2.3", "round_trip": 0.012, "refuses": False},
        ],
        "trials": document["trials"],
        "complete": True,
        "finding": {
            "code": "hop",
            "hop": 2,
            "address": None,
            "text": document["finding"]["text"],
            "doubts": document["finding"]["doubts"],
        },
        "seconds": {"wall": 313.25},
        "notes": [],
    }
    assert [trial["ttl"] for trial in document["trials"]] == [0, 1, 2, 3, 4, None]
    assert document["trials"][0] == {
        "ttl": 0,
        "outcome": "cut",
        "how": "silent",
        "status": None,
        "elapsed": 312.0,
        "exact": False,
        "aftermath": "nothing",
        "reason": "",
        "connection": None,
    }


@pytest.mark.parametrize(
    ("code", "status"), [(Code.OPEN, 0), (Code.HOP, 1), (Code.END, 1), (Code.SERVER, 1), (Code.NOT_BY_KEEP_ALIVE, 1)]
)
def test_exit_status(code, status):
    location = Location("x", None, None, False, Route((), None), (), HopFinding(code, "text"), 0.0)
    assert location.exit_status == status


@pytest.mark.parametrize(
    ("code", "to_do"),
    [
        (
            Code.SERVER,
            [
                "at the server: a longer limit of its own",
                (
                    "in the application: a ping or a keep-alive well within 300 s, sent as data, if the limit is one "
                    "of silence: one that counts from the start, as for the login, is set back by no ping"
                ),
            ],
        ),
        (
            Code.NOT_BY_KEEP_ALIVE,
            [
                (
                    "in the application: a ping or a keep-alive well within 300 s, sent as data, if it is an idle "
                    "timer: TCP keep-alives do not help here"
                )
            ],
        ),
    ],
)
def test_what_helps_where_keep_alives_do_not(code, to_do):
    location = Location("x", None, 300.0, True, Route((), None), (), HopFinding(code, "text"), 0.0)
    assert [text for _, text in location_answer(location)[1:]] == to_do


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("code", [Code.HOP, Code.END, Code.SERVER, Code.NOT_BY_KEEP_ALIVE])
def test_no_ping_is_told_where_the_protocol_has_none_before_the_login(method, code):
    asked = HopQuestion(method, 309.0, 100)
    location = Location("x", asked, 300.0, True, Route((), None), (), HopFinding(code, "text"), 0.0)
    advice = location_answer(location)[-1][1]
    is_late = method in ("ssh", "postgresql")
    assert ("after the login" in advice) is is_late
    assert ("a ping or a keep-alive" in advice) is not is_late


def test_a_search_that_found_nothing_to_locate():
    finding = HopFinding(Code.OPEN, "nothing was cut")
    location = Location("x", None, None, False, Route((), None), (), finding, 0.0, ("not verified",))
    assert printed(location) == ["finding  nothing was cut", "", "target  x", "note    not verified"]
    document = location.to_dict()
    assert (document["method"], document["hold"], document["limit"]) == (None, None, {"cut": None, "given": False})


def test_a_path_says_what_it_is_called():
    lines = printed(located(ROUTE, SEEN, label="provider A"))
    assert ["label", "provider", "A"] in [line.split() for line in lines]
