"""A diagnosis as a whole, against servers that do what a script says, on the warp clock."""

import asyncio
import contextlib
import json
import random
import re

import pytest
from support.peers import web_server

from hbprobe.diagnosis.reasoning import BoxKind, Whose
from hbprobe.errors import CannotMeasureError, UserError
from hbprobe.farend.hold_request import hold_token
from hbprobe.lab.requests import Diagnose
from hbprobe.measure.diagnosing import Diagnosing
from hbprobe.measure.run import Run
from hbprobe.search.search import Search, SearchSettings
from hbprobe.trial.evidence import Question
from hbprobe.trial.methods.method import Environment, make

SEARCH = SearchSettings(10, 100, 1, connections=8)
HELD = re.compile(r"POST /hold\?seconds=(\S+?)&nonce=(\w+)")


async def old_far_end(connection):
    """Hold up to 50 s, and know of no witness."""
    await old_far_end_answers(connection, (await connection.request()).decode())


async def old_far_end_answers(connection, head):
    match = HELD.match(head)
    if match is None:
        connection.send(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        return
    seconds = float(match[1])
    await asyncio.sleep(min(seconds, 50))
    if seconds > 50:
        connection.close()
        return
    token = hold_token(seconds, match[2])
    connection.send(f"HTTP/1.1 200 OK\r\nContent-Length: {len(token)}\r\n\r\n".encode() + token)


def diagnosing(peer, method, **more):
    rng = random.Random(1)
    run = Run(Search(SEARCH), make(Environment(method, peer.dialer(), 3, rng)))
    return Diagnosing(run, peer.dialer(), keep_alives=False, **more)


def test_the_servers_own_timer_is_told_by_another_address(on_warp, serve):
    async def main():
        async with serve(web_server(30)) as here, serve(web_server(500)) as there:
            found = diagnosing(here, "idle", elsewhere=there.dialer())
            await found.to_the_end()
            return found, here.connections, there.connections

    found, _, there = on_warp(main())
    assert found.run.search.limit.cut_s == 30
    assert [ask.question for ask in found.asks] == [Question.POST_MORTEM, Question.ELSEWHERE, Question.ELSEWHERE]
    assert (found.reasoning.whose, found.reasoning.kinds) == (
        Whose.SERVER,
        (BoxKind.SERVER, BoxKind.HTTP, BoxKind.TCP),  # a box before that address alone may be it, too
    )
    assert there == 2
    assert found.complete


def test_the_same_at_both_addresses_is_what_both_share(on_warp, serve):
    async def main():
        async with serve(web_server(30)) as here, serve(web_server(30)) as there:
            found = diagnosing(here, "idle", elsewhere=there.dialer())
            await found.to_the_end()
            return found.reasoning.whose

    assert on_warp(main()) is Whose.SHARED


def test_a_far_end_without_a_witness_is_asked_less(on_warp, serve):
    async def main():
        async with serve(old_far_end) as peer:
            found = diagnosing(peer, "hold")
            await found.to_the_end()
            return found

    found = on_warp(main())
    assert found.run.search.limit.cut_s == 50
    assert [ask.question for ask in found.asks] == [Question.POST_MORTEM]
    assert found.remarks == ("the far end bears no witness, as an older hbprobe serve: fewer questions were asked",)


def test_what_was_found_stays_true_when_it_is_stopped(on_warp, serve):
    async def main():
        async with serve(web_server(30)) as here, serve(web_server(500)) as there:
            stop = asyncio.current_task().cancel
            found = diagnosing(
                here, "idle", elsewhere=there.dialer(), watch=lambda found: found.seen and stop() and None
            )
            with contextlib.suppress(asyncio.CancelledError):
                await found.to_the_end()
            return found

    found = on_warp(main())
    assert not found.complete
    assert found.run.search.limit.cut_s == 30
    assert (len(found.asks), len(found.seen)) == (3, 1)


def test_more_trials_take_turns(on_warp, serve):
    told = []

    async def main():
        async with serve(web_server(30)) as peer:
            found = diagnosing(peer, "idle", trials=20, watch=lambda found: told.append(found.remaining_s))
            await found.to_the_end()
            return found

    found = on_warp(main())
    assert [trial.outcome.elapsed_s for trial in found.spread_trials] == [30] * 20
    assert len({trial.number for trial in (*found.run.trials, *found.spread_trials)}) == len(found.spread.trials)
    assert told[0] == 3 * (45 + 3), "three turns of eight, eight and four"


def test_a_path_that_cannot_be_measured(on_warp, serve):
    async def script(connection):
        await connection.request()
        connection.send(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")

    async def main():
        async with serve(script) as peer:
            with pytest.raises(CannotMeasureError, match="the server wants a login"):
                await diagnosing(peer, "hold").to_the_end()
            await asyncio.sleep(1)  # what was given up is taken down first

    on_warp(main())


class Restarting:
    """A far end that cuts after 50 s, bears witness, and was restarted meanwhile as often as it is told."""

    def __init__(self):
        self.restarts = 0

    async def script(self, connection):
        head = (await connection.request()).decode()
        if head.startswith("GET /hold/"):
            said = dict(SAW, up_s=1.0, seen=False) if self.restarts > 0 and "/hold/0 " not in head else SAW
            self.restarts -= said is not SAW
            body = json.dumps(said).encode()
            connection.send(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        elif "chunked" in head:  # its client drips, and is cut as well
            await asyncio.sleep(50)
            connection.close()
        else:
            await old_far_end_answers(connection, head)


SAW = {"hbprobe": "1", "up_s": 9999.0, "seen": True, "ended_s": 50.0, "ending": "closed"}


def test_a_question_during_which_the_far_end_was_restarted_is_asked_again_and_that_is_told(on_warp, serve):
    far_end = Restarting()

    def begin(found):
        if found.asks and not found.seen:
            far_end.restarts = 3

    async def main():
        async with serve(far_end.script) as peer:
            found = diagnosing(peer, "hold", watch=begin)
            await found.to_the_end()
            return found

    found = on_warp(main())
    assert far_end.restarts == 0
    assert len(found.seen) == len(found.asks) > 3
    assert {seen.ask.question: seen.outcome.reason for seen in found.seen if seen.survived is None} == {}
    (remark,) = found.remarks
    assert remark.endswith(" s): no evidence, and made again: the far end was restarted meanwhile")
    assert remark.count("(") == 3
    assert {seen.ask.question for seen in found.seen if seen.far_end is not None} == {Question.POST_MORTEM}


async def speaks_imap(connection):
    """Greet, whatever is asked."""
    connection.send(b"* OK IMAP4rev1\r\n")
    await connection.read()


@pytest.mark.parametrize(
    ("script", "is_there", "refused", "status"),
    [
        (web_server(30), True, "", 0),
        (web_server(30), False, "the other address cannot be asked: TCP: ", 3),
        (speaks_imap, True, "compare: ", 2),
    ],
)
def test_another_address_is_looked_at_before_the_search(on_warp, serve, script, is_there, refused, status):
    async def main():
        async with serve(script) as peer:
            method = make(Environment("idle", peer.dialer(), 3, random.Random(1)))
            if is_there:
                return await look(peer.dialer(), method)
        return await look(peer.dialer(), method)

    async def look(dialer, method):
        request = Diagnose(url="http://mail.example/", method="idle", compare="http://other.example/")
        try:
            await request._look_at(dialer, method)
        except (CannotMeasureError, UserError) as error:
            return str(error), error.exit_status
        return "", 0

    text, ended = on_warp(main())
    assert (text.startswith(refused), bool(text), ended) == (True, bool(refused), status)
