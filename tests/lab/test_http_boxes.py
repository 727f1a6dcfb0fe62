"""Boxes of layer http in a lab, alone and among others: TLS is ended and begun again, and the right one cuts."""

import pytest

from hbprobe import warp
from hbprobe.exchange.settings import Settings
from hbprobe.lab.inprocess import measure
from hbprobe.manner import Manner
from hbprobe.profiles.catalogue import Catalogue
from hbprobe.profiles.running import with_overrides
from hbprobe.search.search import SearchSettings


def box(name, **timers):
    return with_overrides(Catalogue().find(name), {kind: str(value) for kind, value in timers.items()})[0]


def lab(*boxes, method="hold", at_most=800.0):
    search = SearchSettings(10.0, at_most, 1.0, connections=4)
    return warp.run(measure(boxes, Settings(), search, method), warp.WarpClock())


def limit_of(found):
    limit = found.run.search.limit
    return limit.cut_s, limit.manner, limit.status, limit.exact


def test_one_that_answers():
    found = lab(box("nginx-http-proxy", server_response=300))
    assert (limit_of(found), found.cut_by, found.remarks) == ((300, Manner.STATUS, 504, True), "nginx-http-proxy", ())


def test_one_that_closes():
    found = lab(box("azure-app-service"))
    assert (limit_of(found), found.cut_by) == ((230, Manner.CLOSED, None, True), "azure-app-service")


def test_one_that_lets_live():
    found = lab(box("caddy"))
    assert (limit_of(found), found.cut_by) == ((None, None, None, False), None)


def test_between_requests():
    found = lab(box("nginx-http-proxy"), method="idle")
    assert (limit_of(found), found.cut_by) == ((75, Manner.CLOSED, None, True), "nginx-http-proxy")


@pytest.mark.parametrize("place", [0, 1, 2])
def test_among_others_with_the_shortest_timer(place):
    others = [box("cisco-asa"), box("aws-nlb-tcp", idle=700)]
    others.insert(place, box("haproxy-sample-edge", server_response=240))
    found = lab(*others)
    assert (limit_of(found), found.cut_by) == ((240, Manner.STATUS, 504, True), "haproxy-sample-edge")


def test_behind_a_box_that_falls_silent():
    found = lab(box("ten-minute-provider"), box("nginx-http-proxy", server_response=700))
    cut_s, *manner = limit_of(found)
    assert manner == [Manner.SILENT, None, False]
    assert 600 <= cut_s <= 601
    assert (found.cut_by, found.remarks) == ("ten-minute-provider", ())


def test_before_a_box_that_resets():
    """The proxy speaks for the server that it has lost."""
    found = lab(box("nginx-http-proxy", server_response=700), box("cisco-asa-idle-reset", idle=300))
    assert limit_of(found) == (300, Manner.STATUS, 502, True)
    assert found.cut_by == "cisco-asa-idle-reset"


def test_two_in_a_row():
    found = lab(box("haproxy-sample-edge", server_response=500), box("cisco-asa"), box("envoy-http", total=200))
    assert (limit_of(found), found.cut_by) == ((200, Manner.STATUS, 504, True), "envoy-http")
