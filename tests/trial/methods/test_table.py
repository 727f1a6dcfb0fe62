from importlib import import_module

import pytest

from hbprobe.trial.evidence import Question
from hbprobe.trial.methods.table import CHOICES, DEFAULT, METHODS, Server, in_words, names, server_timer_counts
from hbprobe.trial.talks.talk import Where


@pytest.mark.parametrize("row", METHODS.values(), ids=METHODS)
def test_each_row_names_what_makes_its_method(row):
    assert callable(import_module(row.module).make)


def test_a_name_is_that_of_its_row():
    assert all(name == row.name for name, row in METHODS.items())
    assert DEFAULT in CHOICES
    assert names() == tuple(CHOICES)


@pytest.mark.parametrize("row", METHODS.values(), ids=METHODS)
def test_traits_do_not_contradict_each_other(row):
    serves = row.server is Server.SERVE
    assert row.server_timer is not serves, "only hbprobe serve has no timer of its own"
    assert serves or not {Question.SERVER_DRIP, Question.CLIENT_DRIP} & row.asks, (
        "no other server drips when it is told"
    )
    assert not row.asks or Question.POST_MORTEM in row.asks
    assert row.schemes
    assert row.help
    assert row.words


def test_how_long_a_servers_own_limit_is_has_a_source():
    limits = [limit for row in METHODS.values() for limit in (row.own_limit, row.own_limit_in_session)]
    assert all(bool(limit.source) is (limit.least_s is not None) for limit in limits)
    assert all(limit.words for limit in limits if limit.source)
    assert {row.name: row.own_limit.least_s for row in METHODS.values() if row.own_limit.least_s} == {
        "postgresql": 60,
        "smtp": 300,
        "ssh": 120,
        "ldap": 900,
    }
    assert METHODS["imap"].own_limit_in_session.least_s == 1800


@pytest.mark.parametrize("row", [row for row in METHODS.values() if row.talk], ids=lambda row: row.name)
def test_what_pings_after_the_login_alone_cannot_be_asked_twice_before_it(row):
    talk = import_module(f"hbprobe.trial.talks.{row.talk}").make(Where("h"))
    assert row.pings_after_login is (not talk.repeats and talk.asks)


def test_names_as_a_sentence_has_them():
    assert in_words(lambda row: row.needs_account) == "ping"
    assert in_words(lambda row: row.name in ("hold", "ping")) == "hold or ping"
    assert in_words(lambda row: row.name in ("hold", "idle", "ping")) == "hold, idle or ping"


def test_whose_timer_a_limit_may_be():
    assert not server_timer_counts("hold")
    assert server_timer_counts("idle")
    assert server_timer_counts("capture"), "who wrote it may have had a server with timers"
