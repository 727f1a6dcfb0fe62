"""`hbprobe proxy`: the box, for any TCP client and server."""

import argparse
import asyncio
import contextlib
import datetime
import functools
import math
import os
import random
import socket
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hbprobe.cli import arguments
from hbprobe.cli.api import opened
from hbprobe.cli.serve import add_tls, server_tls, until_told_to_stop
from hbprobe.errors import UserError
from hbprobe.net.address import Address, cannot_listen, is_loopback
from hbprobe.net.descriptors import raise_limit

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from hbprobe.middlebox.box import Box
    from hbprobe.middlebox.chain import Chain, Tls
    from hbprobe.middlebox.events import Event, Observer
    from hbprobe.middlebox.workers import Workers
    from hbprobe.profiles.model import Profile

_DEFAULT = Address("127.0.0.1", 8440)
_TOKEN_VARIABLE = "HBPROBE_CONTROL_TOKEN"
_SPARE_DESCRIPTORS = 64


def register(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb to the command line."""
    parser = verbs.add_parser(
        "proxy",
        help="be a box of the catalogue, for any TCP client and server",
        description="Relay connections, and requests where a box is of layer http, and end them as the product does. "
        "It prints a line for each flow that it expires, and sums when it is stopped.",
    )
    parser.add_argument(
        "profiles", metavar="PROFILE[,PROFILE...]", help="an id or a file; several, in order from the client"
    )
    parser.add_argument(
        "--listen",
        type=arguments.address,
        default=_DEFAULT,
        metavar="HOST:PORT",
        help=f"where clients connect (default: {_DEFAULT})",
    )
    parser.add_argument(
        "--upstream", type=arguments.address, required=True, metavar="HOST:PORT", help="the server behind the box"
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="TIMER=TIME",
        help="change a timer of the first box, as in idle=5; may be repeated",
    )
    parser.add_argument(
        "--clock", default="real", metavar="CLOCK", help="real, or N: the timers run N times as fast (default: real)"
    )
    arguments.add_seed(parser)
    parser.add_argument(
        "--max-flows",
        type=arguments.count,
        metavar="N",
        help="refuse more flows than this (default: what the descriptor limit carries)",
    )
    parser.add_argument(
        "--workers",
        type=arguments.count,
        default=1,
        metavar="N",
        help="share the port among N processes, each with its own descriptors and part of --max-flows, under one "
        "control API and one log (Linux; default: 1)",
    )
    group = parser.add_argument_group("boxes of layer http", "They end TLS; the others pass it on unread.")
    add_tls(group, default="off")
    group.add_argument(
        "--upstream-tls",
        default="off",
        metavar="off|on|CA",
        help="off: plain HTTP to the server; on: TLS, with a certificate that this system trusts; CA: TLS, with one "
        "of this authority, a file in PEM (default: off)",
    )
    parser.add_argument(
        "--control",
        type=arguments.address,
        metavar="HOST:PORT",
        help="open the control API there: watch flows, change timers, drain (docs/control-api.md)",
    )
    parser.add_argument(
        "--control-token-file",
        type=Path,
        metavar="FILE",
        help=f"the token that callers must send (default: the variable {_TOKEN_VARIABLE}); needed beyond loopback",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the verb."""
    from hbprobe import warp
    from hbprobe.profiles.catalogue import Catalogue
    from hbprobe.profiles.running import draw_all, parse_settings, with_overrides

    chance = random.Random(args.seed)
    boxes = [Catalogue().find(reference) for reference in args.profiles.split(",")]
    boxes[0], remarks = with_overrides(boxes[0], parse_settings(args.set))
    if args.clock == "warp":
        raise UserError("--clock warp: a program outside cannot follow that clock; use real or a rate such as 20")
    clock = arguments.clock(args)
    drawn_boxes, drawn = draw_all(boxes, chance)
    tls, told = _tls(args, boxes)
    for remark in (*remarks, *drawn, *told):
        _say(remark)
    if args.workers == 1:
        warp.run(_relay(args, drawn_boxes, chance, tls), clock)
        return 0
    if sys.platform != "linux":
        raise UserError("--workers needs Linux, which spreads connections over processes: drop it")
    from hbprobe.middlebox.workers import Workers

    def serve(number: int, listen: tuple[str, int], line: "Connection") -> None:
        chance = random.Random(args.seed + number)
        warp.run(_work(args, drawn_boxes, chance, tls, listen, line, number), clock)

    try:
        workers = Workers(drawn_boxes, args.workers, serve, (args.listen.host, args.listen.port))
    except OSError as error:
        raise cannot_listen(args.listen, error) from None
    try:
        warp.run(_watch(args, workers), clock)
    finally:
        workers.stop()
        for box in workers.boxes:
            _say(_summary(box))
    return 0


def _tls(args: argparse.Namespace, boxes: "Sequence[Profile]") -> "tuple[Tls, list[str]]":
    """Return what boxes of layer http speak, and what to tell of it."""
    from hbprobe.middlebox.chain import Tls
    from hbprobe.net.certificates import client_context
    from hbprobe.profiles.words import Layer

    if all(box.layer is not Layer.HTTP for box in boxes):
        for option, value in (("--tls", args.tls), ("--upstream-tls", args.upstream_tls)):
            if value != "off":
                raise UserError(f"{option} {value}: no box is of layer http, the others pass TLS on unread: drop it")
        return Tls(), []
    ca, client = server_tls(args)
    server, authority = None, None if args.upstream_tls in ("off", "on") else Path(args.upstream_tls)
    if authority is not None and not authority.is_file():
        raise UserError(f"--upstream-tls {authority}: no such file: use off, on, or a certificate in PEM")
    if args.upstream_tls != "off":
        server = client_context(authority)
    told = [f"certificate of the private CA: {ca}"] if ca is not None else []
    return Tls(client, server, args.upstream.host), told


async def _relay(args: argparse.Namespace, boxes: "Sequence[Profile]", chance: random.Random, tls: "Tls") -> None:
    chain, most = await _make_chain(args, boxes, chance, tls, _observers(boxes))
    try:
        host, port = await chain.listen(args.listen.host, args.listen.port)
    except OSError as error:
        chain.close()
        raise cannot_listen(args.listen, error) from None
    names = " -> ".join(box.id for box in boxes)
    _say(f"{names} on {Address(host, port)}, to {args.upstream}, at most {most} flows  (Ctrl-C ends it)")
    try:
        await _until_the_end(args, chain.relays)
    finally:
        chain.close()
        for relay in chain.relays:
            _say(_summary(relay))


async def _work(
    args: argparse.Namespace,
    boxes: "Sequence[Profile]",
    chance: random.Random,
    tls: "Tls",
    listen: tuple[str, int],
    line: "Connection",
    number: int,
) -> None:
    """Be one of several workers."""
    from hbprobe.middlebox.workers import numbered, work

    observer = _observers(boxes)
    chain, _ = await _make_chain(
        args, boxes, chance, tls, lambda place: numbered(observer(place), number, args.workers)
    )
    await work(chain, listen, line, number, args.workers)


async def _watch(args: argparse.Namespace, workers: "Workers") -> None:
    """Be the process before the workers."""
    names = " -> ".join(box.profile.id for box in workers.boxes)
    most = args.workers * _most_flows(args, len(workers.boxes))[0]
    _say(
        f"{names} on {Address(*workers.address)}, to {args.upstream}, {args.workers} workers, at most {most} flows  "
        "(Ctrl-C ends it)"
    )
    await _until_the_end(args, workers.boxes, asyncio.ensure_future(workers.one_died()))


def _most_flows(args: argparse.Namespace, boxes: int) -> tuple[int, int]:
    """Return how many flows and how many descriptors a process may have."""
    descriptors = max(2, raise_limit() - _SPARE_DESCRIPTORS)
    own = max(1, descriptors // (2 * boxes))
    return math.ceil(args.max_flows / args.workers) if args.max_flows else own, descriptors


async def _make_chain(
    args: argparse.Namespace,
    boxes: "Sequence[Profile]",
    chance: random.Random,
    tls: "Tls",
    observer: "Callable[[int], Observer]",
) -> "tuple[Chain, int]":
    """Return the boxes, and how many flows they take."""
    from hbprobe.middlebox.chain import Chain

    most, descriptors = _most_flows(args, len(boxes))
    return Chain(boxes, await _resolve(args.upstream), observer, most, chance, tls, descriptors), most


async def _until_the_end(args: argparse.Namespace, boxes: "Sequence[Box]", *others: "asyncio.Future[None]") -> None:
    """Wait until a signal, the control API, or one of the others says so."""
    stop = asyncio.Event()
    endings: list[asyncio.Future[Any]] = [asyncio.ensure_future(until_told_to_stop())]
    endings += [asyncio.ensure_future(stop.wait()), *others]
    await asyncio.sleep(0)  # all wait before anybody can know of us
    try:
        async with _control(args, boxes, stop):
            done, _ = await asyncio.wait(endings, return_when=asyncio.FIRST_COMPLETED)
            await next(iter(done))  # what went wrong while waiting goes on from here
    finally:
        for ending in endings:
            ending.cancel()


@contextlib.asynccontextmanager
async def _control(args: argparse.Namespace, boxes: "Sequence[Box]", stop: asyncio.Event) -> AsyncIterator[None]:
    """Open the control API if it is wanted, and close it at the end."""
    if args.control is None:
        yield
        return
    from hbprobe.middlebox.control import Control

    control = Control(boxes, stop.set, _token(args))
    async with opened(control, args.control, "--control", lambda url: _say(f"control API on {url}/")):
        yield


def _token(args: argparse.Namespace) -> str | None:
    """Return the token from file or environment; raises UserError where one is needed and missing."""
    token: str | None = os.environ.get(_TOKEN_VARIABLE) or None
    if args.control_token_file is not None:
        try:
            token = args.control_token_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            raise UserError(f"--control-token-file {args.control_token_file}: cannot be read as text") from None
        if not token:
            raise UserError(f"--control-token-file {args.control_token_file}: is empty: write a token into it")
    if token is None and not is_loopback(args.control.host):
        raise UserError(
            f"--control {args.control}: beyond loopback a token is needed: "
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


def _observers(boxes: "Sequence[Profile]") -> "Callable[[int], Observer]":
    return lambda place: lambda event: _say(f"{boxes[place].id}: {_line(event)}")


def _line(event: "Event") -> str:
    from hbprobe.middlebox.events import FlowExpired, FlowRefused, FlowRevived

    match event:
        case FlowExpired():
            silenced = f" ({', '.join(sorted(event.ways))})" if event.ways else ""
            return (
                f"flow {event.number} from {event.client}: {event.timer} ran out after {event.quiet_s:.3f} s "
                f"(age {event.age_s:.3f} s): {event.expiry}{silenced}"
            )
        case FlowRevived():
            return f"flow {event.number} from {event.client}: a packet has brought it back"
        case FlowRefused():
            return f"refused {event.client}: {event.reason}"
        case _:
            return event.text


def _summary(relay: "Box") -> str:
    counts = relay.counts
    expired = ", ".join(f"{count} by {kind}" for kind, count in counts.expired.items()) or "none"
    return (
        f"{relay.profile.id}: {counts.opened} flows; expired: {expired}; closed by their ends {counts.closed}, "
        f"reset by their ends {counts.reset}, refused {counts.refused}; "
        f"{counts.bytes_from_client} bytes from clients, {counts.bytes_from_server} from servers"
    )


def _say(text: str) -> None:
    print(f"{_words_of(datetime.datetime.now(datetime.UTC).replace(microsecond=0))} {text}", flush=True)


@functools.lru_cache(maxsize=1)
def _words_of(second: datetime.datetime) -> str:
    """Write a time of day; thousands of lines may want the same one."""
    return second.strftime("%H:%M:%S")
