"""Who made the packet that ended a connection: what each sign weighs, and when nobody is named."""

import pytest
from support.captures import only
from support.packets import ACK, CLOSE_NOTIFY, FIN, PSH, RST, Talk

from hbprobe.evidence.captures.fate import ConnectionFate, Maker, Sign, Weight
from hbprobe.evidence.captures.makers import closers, maker_of
from hbprobe.evidence.captures.tcp_flow import Endpoint
from hbprobe.manner import Manner
from hbprobe.trial.outcome import Cause


def sign(weight, speaks_for):
    return Sign(weight, "a reason", speaks_for)


@pytest.mark.parametrize(
    ("signs", "maker"),
    [
        ([], Maker.UNKNOWN),
        ([sign(Weight.WEAK, Maker.BOX)] * 5, Maker.UNKNOWN),
        ([sign(Weight.STRONG, None)], Maker.UNKNOWN),
        ([sign(Weight.STRONG, Maker.BOX), sign(Weight.WEAK, Maker.SERVER)], Maker.BOX),
        ([sign(Weight.STRONG, Maker.BOX), sign(Weight.STRONG, Maker.SERVER)], Maker.UNKNOWN),
        ([sign(Weight.STRONG, Maker.BOX), sign(Weight.DECIDES, Maker.SERVER)], Maker.SERVER),
    ],
)
def test_a_maker_is_named_by_what_stands_uncontradicted(signs, maker):
    assert maker_of(signs) is maker


@pytest.mark.parametrize(
    ("maker", "sender", "causes"),
    [
        (Maker.BOX, Endpoint.CLIENT, (Cause.CLOSED_BY_PROXY,)),
        (Maker.SERVER, Endpoint.SERVER, (Cause.CLOSED_BY_SERVER,)),
        (Maker.CLIENT, Endpoint.CLIENT, ()),
        (Maker.UNKNOWN, Endpoint.SERVER, (Cause.CLOSED_BY_SERVER, Cause.CLOSED_BY_PROXY)),
    ],
)
def test_a_fin_has_the_causes_that_its_maker_leaves(maker, sender, causes):
    assert closers(maker, [], sender) == causes


def test_weak_signs_name_nobody_however_many(judged):
    verdict = only(judged(Talk().open().say("server", RST, at_s=240, window=0, options=b"", seq=7777)))
    assert verdict.maker is Maker.UNKNOWN
    assert verdict.ending is ConnectionFate.ENDED_IDLE
    assert verdict.causes == (Cause.RESET_BY_BOX, Cause.RESET_BY_SERVER)
    assert sum(sign.weight is Weight.WEAK for sign in verdict.signs) == 3


def test_both_ends_reset_at_once(judged):
    talk = Talk().open().say("server", RST, at_s=240).say("client", RST, at_s=240.001)
    verdict = only(judged(talk))
    assert (verdict.maker, verdict.causes) == (Maker.BOX, (Cause.RESET_BY_BOX,))


def test_a_reset_in_the_clients_name_by_a_box(judged):
    talk = Talk(client_ttl=51, server_ttl=64).open().say("client", RST, at_s=240, ttl=64)
    verdict = only(judged(talk))
    assert (verdict.maker, verdict.causes, verdict.server_saw) == (Maker.BOX, (Cause.RESET_BY_BOX,), Manner.RESET)


def test_a_client_that_resets_is_not_accused_nor_is_a_box(judged):
    verdict = only(judged(Talk().open().say("client", RST, at_s=240)))
    assert (verdict.ending, verdict.causes, verdict.maker) == (ConnectionFate.ENDED_IDLE, (), Maker.UNKNOWN)


def test_a_reset_that_comes_sooner_than_the_server_could_send_it(judged):
    talk = Talk().open().say("client", PSH | ACK, b"x" * 20, at_s=100).say("server", RST, at_s=100.002)
    verdict = only(judged(talk))
    assert verdict.maker is Maker.BOX
    assert any(one.text.startswith("it came back after 2 ms") for one in verdict.signs if one.weight is Weight.STRONG)


def test_a_close_by_a_proxy(judged):
    talk = Talk().open().say("server", FIN | ACK, at_s=270, ttl=60).say("client", FIN | ACK, at_s=270.02)
    verdict = only(judged(talk))
    assert (verdict.maker, verdict.causes, verdict.client_saw) == (Maker.BOX, (Cause.CLOSED_BY_PROXY,), Manner.CLOSED)


@pytest.mark.parametrize(
    ("last", "causes"),
    [
        (CLOSE_NOTIFY, (Cause.CLOSED_BY_SERVER, Cause.CLOSED_BY_PROXY)),
        (None, (Cause.CLOSED_BY_PROXY, Cause.CLOSED_BY_SERVER)),
    ],
)
def test_a_close_that_leaves_open_whose_it_is(judged, last, causes):
    talk = Talk().open()
    if last is not None:
        talk.say("server", PSH | ACK, last, at_s=270)
    verdict = only(judged(talk.say("server", FIN | ACK, at_s=270)))
    assert (verdict.ending, verdict.maker, verdict.causes) == (ConnectionFate.ENDED_IDLE, Maker.UNKNOWN, causes)
    assert verdict.idle_s == pytest.approx(269.95)
