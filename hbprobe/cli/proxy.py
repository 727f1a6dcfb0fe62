"""`hbprobe proxy`: the box, for any TCP client and server."""

import asyncio
import contextlib
import functools
import math
import os
import random
import socket
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Group, Parameter

from hbprobe.cli.box_log import BoxLog, say
from hbprobe.cli.options import (
    At,
    Count,
    File,
    MaybeAt,
    MaybeCount,
    Seed,
    Timers,
    boxes_named,
    clock_named,
    profile_ids,
)
from hbprobe.cli.serve import TlsOptions, server_tls, until_told_to_stop
from hbprobe.cli.server_library import import_aiohttp
from hbprobe.errors import UserError
from hbprobe.net.address import Address, cannot_listen, is_loopback
from hbprobe.net.listener import raise_limit

if TYPE_CHECKING:
    from hbprobe.middlebox.chain import Chain
    from hbprobe.middlebox.events import Observer
    from hbprobe.middlebox.faults.flow_tls import Tls
    from hbprobe.middlebox.running_box import RunningBox
    from hbprobe.middlebox.workers import WorkerLines, Workers
    from hbprobe.net.event_feed import EventFeed
    from hbprobe.profiles.model import Profile

_DEFAULT = Address("127.0.0.1", 8440)
_TOKEN_VARIABLE = "HBPROBE_CONTROL_TOKEN"
_SPARE_DESCRIPTORS = 64


_HTTP = Group("Boxes of layer http", help="They end TLS; the others pass it on unread.", sort_key=2)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Options(TlsOptions):
    """Where to stand, and how the box is to behave."""

    listen: Annotated[At, Parameter(help=f"where clients connect (default: {_DEFAULT})")] = _DEFAULT
    upstream: Annotated[At, Parameter(help="the server behind the box")]
    timers: Timers = ()
    clock: Annotated[
        str, Parameter(metavar="CLOCK", help="real, or N: the timers run N times as fast (default: real)")
    ] = "real"
    seed: Seed = 0
    max_flows: Annotated[
        MaybeCount,
        Parameter(help="refuse more flows than this (default: what the descriptor limit carries)"),
    ] = None
    workers: Annotated[
        Count,
        Parameter(
            help="share the port among N processes, each with its own descriptors and part of --max-flows, under one "
            "control API and one log (Linux; default: 1)"
        ),
    ] = 1
    tls: Annotated[
        str,
        Parameter(
            group=_HTTP,
            metavar="auto|off|CERT,KEY",
            help="auto: a private CA, made once in --state; CERT,KEY: files in PEM (default: off)",
        ),
    ] = "off"
    upstream_tls: Annotated[
        str,
        Parameter(
            group=_HTTP,
            metavar="off|on|CA",
            help="off: plain HTTP to the server; on: TLS, with a certificate that this system trusts; CA: TLS, with "
            "one of this authority, a file in PEM (default: off)",
        ),
    ] = "off"
    control: Annotated[
        MaybeAt,
        Parameter(help="open the control API there: flows, timers, faults, drain (docs/control-api.md)"),
    ] = None
    control_token_file: Annotated[
        File,
        Parameter(
            help=f"the token that callers must send (default: the variable {_TOKEN_VARIABLE}); needed beyond loopback"
        ),
    ] = None


_BOX = Parameter(name="PROFILE", help="an id or a file; several, in order from the client", completer=profile_ids)


def proxy(first: Annotated[str, _BOX], /, *more: Annotated[str, _BOX], options: Options) -> int:
    """Relay until told to stop."""
    from hbprobe import warp
    from hbprobe.profiles.catalogue import Catalogue
    from hbprobe.profiles.running import draw_all, parse_settings, with_overrides

    chance = random.Random(options.seed)
    boxes = [Catalogue().find(reference) for reference in boxes_named((first, *more))]
    boxes[0], remarks = with_overrides(boxes[0], parse_settings(options.timers))
    if options.clock == "warp":
        raise UserError("--clock warp: a program outside cannot follow that clock; use real or a rate such as 20")
    clock = clock_named(options.clock)
    drawn_boxes, drawn = draw_all(boxes, chance)
    tls, told = _tls(options, boxes)
    for remark in (*remarks, *drawn, *told):
        say(remark)
    if options.control is not None:
        import_aiohttp()
    if options.workers == 1:
        warp.run(_relay(options, drawn_boxes, chance, tls), clock)
        return 0
    if sys.platform != "linux":
        raise UserError("--workers needs Linux, which spreads connections over processes: drop it")
    from hbprobe.middlebox.workers import Workers

    def serve(number: int, listen: tuple[str, int], lines: "WorkerLines") -> None:
        chance = random.Random(options.seed + number)
        warp.run(_work(options, drawn_boxes, chance, tls, listen, lines, number), clock)

    feed, listen = _feed(options), (options.listen.host, options.listen.port)
    try:
        workers = Workers(drawn_boxes, options.workers, serve, listen, feed, options.seed)
    except OSError as error:
        raise cannot_listen(options.listen, error) from None
    try:
        warp.run(_watch(options, workers, feed), clock)
    finally:
        workers.stop()
        for box in workers.boxes:
            say(_summary(box))
    return 0


def _tls(options: Options, boxes: "Sequence[Profile]") -> "tuple[Tls, list[str]]":
    """Return what boxes of layer http speak, and what to tell of it."""
    from hbprobe.manner import Layer
    from hbprobe.middlebox.faults.flow_tls import Tls
    from hbprobe.net.certificates import client_context

    if all(box.layer is not Layer.HTTP for box in boxes):
        for option, value in (("--tls", options.tls), ("--upstream-tls", options.upstream_tls)):
            if value != "off":
                raise UserError(f"{option} {value}: no box is of layer http, the others pass TLS on unread: drop it")
        return Tls(), []
    ca, client = server_tls(options)
    server, authority = None, None if options.upstream_tls in ("off", "on") else Path(options.upstream_tls)
    if authority is not None and not authority.is_file():
        raise UserError(f"--upstream-tls {authority}: no such file: use off, on, or a certificate in PEM")
    if options.upstream_tls != "off":
        server = client_context(authority)
    told = [f"certificate of the private CA: {ca}"] if ca is not None else []
    return Tls(client, server, options.upstream.host), told


async def _relay(options: Options, boxes: "Sequence[Profile]", chance: random.Random, tls: "Tls") -> None:
    feed, log = _feed(options), BoxLog()
    note = None if feed is None else feed.note
    chain, most = await _make_chain(options, boxes, chance, tls, _observers(boxes, log), note)
    try:
        host, port = await chain.listen(options.listen.host, options.listen.port)
    except OSError as error:
        chain.close()
        raise cannot_listen(options.listen, error) from None
    names = " -> ".join(box.id for box in boxes)
    say(f"{names} on {Address(host, port)}, to {options.upstream}, at most {most} flows  (Ctrl-C ends it)")
    try:
        await _until_the_end(options, chain.relays, feed)
    finally:
        chain.close()
        log.flush()
        for relay in chain.relays:
            say(_summary(relay))


async def _work(
    options: Options,
    boxes: "Sequence[Profile]",
    chance: random.Random,
    tls: "Tls",
    listen: tuple[str, int],
    lines: "WorkerLines",
    number: int,
) -> None:
    """Be one of several workers."""
    from hbprobe.middlebox.workers import Outbox, numbers, work

    note = None if options.control is None else Outbox(lines.news).note
    own = functools.partial(numbers, number, options.workers)
    log = BoxLog()
    chain, _ = await _make_chain(options, boxes, chance, tls, _observers(boxes, log), note, own)
    await work(chain, listen, lines.asked)
    log.flush()


async def _watch(options: Options, workers: "Workers", feed: "EventFeed | None") -> None:
    """Be the process before the workers."""
    names = " -> ".join(box.profile.id for box in workers.boxes)
    most = options.workers * _most_flows(options, len(workers.boxes))[0]
    say(
        f"{names} on {Address(*workers.address)}, to {options.upstream}, {options.workers} workers, "
        f"at most {most} flows  (Ctrl-C ends it)"
    )
    await _until_the_end(options, workers.boxes, feed, asyncio.ensure_future(workers.one_died()))


def _most_flows(options: Options, boxes: int) -> tuple[int, int]:
    """Return how many flows and how many descriptors a process may have."""
    descriptors = max(2, raise_limit() - _SPARE_DESCRIPTORS)
    own = max(1, descriptors // (2 * boxes))
    return math.ceil(options.max_flows / options.workers) if options.max_flows else own, descriptors


async def _make_chain(
    options: Options,
    boxes: "Sequence[Profile]",
    chance: random.Random,
    tls: "Tls",
    observer: "Callable[[int], Observer]",
    note: Callable[..., object] | None,
    numbers: Callable[[], Iterator[int]] | None = None,
) -> "tuple[Chain, int]":
    """Return the boxes, and how many flows they take."""
    from hbprobe.middlebox.chain import Chain

    most, descriptors = _most_flows(options, len(boxes))
    upstream = await _resolve(options.upstream)
    return Chain(boxes, upstream, observer, most, chance, tls, descriptors, note, options.seed, numbers), most


def _feed(options: Options) -> "EventFeed | None":
    """Return where boxes are to tell what happens; None where nobody could ask, and their flows need no more then."""
    from hbprobe.net.event_feed import EventFeed

    return None if options.control is None else EventFeed()


async def _until_the_end(
    options: Options, boxes: "Sequence[RunningBox]", feed: "EventFeed | None", *others: "asyncio.Future[None]"
) -> None:
    """Wait until a signal, the control API, or one of the others says so."""
    stop = asyncio.Event()
    endings: list[asyncio.Future[Any]] = [asyncio.ensure_future(until_told_to_stop())]
    endings += [asyncio.ensure_future(stop.wait()), *others]
    await asyncio.sleep(0)  # all wait before anybody can know of us
    try:
        async with _control(options, boxes, stop, feed):
            done, _ = await asyncio.wait(endings, return_when=asyncio.FIRST_COMPLETED)
            await next(iter(done))  # what went wrong while waiting goes on from here
    finally:
        for ending in endings:
            ending.cancel()


@contextlib.asynccontextmanager
async def _control(
    options: Options, boxes: "Sequence[RunningBox]", stop: asyncio.Event, feed: "EventFeed | None"
) -> AsyncIterator[None]:
    """Open the control API if it is wanted, and close it at the end."""
    if options.control is None:
        yield
        return
    from hbprobe.web.box_page import PagedControl

    control = PagedControl(boxes, stop.set, _token(options), feed)
    async with control.opened(options.control, "--control HOST:PORT") as at:
        say(f"control API on http://{at}/")
        yield


def _token(options: Options) -> str | None:
    """Return the token from file or environment; raises UserError where one is needed and missing."""
    token: str | None = os.environ.get(_TOKEN_VARIABLE) or None
    if options.control_token_file is not None:
        try:
            token = options.control_token_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            raise UserError(f"--control-token-file {options.control_token_file}: cannot be read as text") from None
        if not token:
            raise UserError(f"--control-token-file {options.control_token_file}: is empty: write a token into it")
    if token is None and options.control is not None and not is_loopback(options.control.host):
        raise UserError(
            f"--control {options.control}: beyond loopback a token is needed: "
            f"use --control-token-file or the variable {_TOKEN_VARIABLE}"
        )
    return token


async def _resolve(upstream: Address) -> list[tuple[socket.AddressFamily, tuple[str | int, ...]]]:
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(upstream.host, upstream.port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError):
        raise UserError(f"--upstream {upstream}: no such host") from None
    return [(family, (str(address[0]), *address[1:])) for family, _, _, _, address in found]


def _observers(boxes: "Sequence[Profile]", log: BoxLog) -> "Callable[[int], Observer]":
    return lambda place: functools.partial(log.tell, boxes[place].id)


def _summary(relay: "RunningBox") -> str:
    counts = relay.counts
    expired = ", ".join(f"{count} by {kind}" for kind, count in counts.expired.items()) or "none"
    return (
        f"{relay.profile.id}: {counts.opened} flows; expired: {expired}; closed by their ends {counts.closed}, "
        f"reset by their ends {counts.reset}, refused {counts.refused}; "
        f"{counts.bytes_from_client} bytes from clients, {counts.bytes_from_server} from servers"
    )
