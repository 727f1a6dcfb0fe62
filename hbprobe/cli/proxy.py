"""`hbprobe proxy`: the box, for any TCP client and server."""

import asyncio
import contextlib
import datetime
import os
import random
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Group, Parameter

from hbprobe.cli.api import opened
from hbprobe.cli.options import (
    At,
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
from hbprobe.errors import UserError
from hbprobe.net.address import Address, cannot_listen, is_loopback
from hbprobe.net.descriptors import raise_limit

if TYPE_CHECKING:
    from hbprobe.middlebox.box import Box
    from hbprobe.middlebox.chain import Chain, Tls
    from hbprobe.middlebox.events import Event, Observer
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
        Parameter(help="open the control API there: watch flows, change timers, drain (docs/control-api.md)"),
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
        _say(remark)
    warp.run(_relay(options, drawn_boxes, chance, tls), clock)
    return 0


def _tls(options: Options, boxes: "Sequence[Profile]") -> "tuple[Tls, list[str]]":
    """Return what boxes of layer http speak, and what to tell of it."""
    from hbprobe.manner import Layer
    from hbprobe.middlebox.chain import Tls
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
    from hbprobe.middlebox.chain import Chain

    carried = max(2, raise_limit() - _SPARE_DESCRIPTORS) // (2 * len(boxes))
    most = options.max_flows or carried
    chain = Chain(boxes, await _resolve(options.upstream), _observers(boxes), most, chance, tls)
    try:
        host, port = await chain.listen(options.listen.host, options.listen.port)
    except OSError as error:
        chain.close()
        raise cannot_listen(options.listen, error) from None
    names = " -> ".join(box.id for box in boxes)
    _say(f"{names} on {Address(host, port)}, to {options.upstream}, at most {most} flows  (Ctrl-C ends it)")
    stop = asyncio.Event()
    endings = [asyncio.ensure_future(until_told_to_stop()), asyncio.ensure_future(stop.wait())]
    await asyncio.sleep(0)  # both wait before anybody can know of us
    try:
        async with _control(options, chain, stop):
            done, _ = await asyncio.wait(endings, return_when=asyncio.FIRST_COMPLETED)
            await next(iter(done))  # what went wrong while waiting goes on from here
    finally:
        for ending in endings:
            ending.cancel()
        chain.close()
        for relay in chain.relays:
            _say(_summary(relay))


@contextlib.asynccontextmanager
async def _control(options: Options, chain: "Chain", stop: asyncio.Event) -> AsyncIterator[None]:
    """Open the control API if it is wanted, and close it at the end."""
    if options.control is None:
        yield
        return
    from hbprobe.middlebox.control import Control

    control = Control(chain.relays, stop.set, _token(options))
    async with opened(control, options.control, "--control", lambda url: _say(f"control API on {url}/")):
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
    now = datetime.datetime.now(datetime.UTC).strftime("%H:%M:%S")
    print(f"{now} {text}", flush=True)
