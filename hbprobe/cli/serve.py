"""`hbprobe serve`: the far end of a real path."""

import argparse
import asyncio
import os
import signal
import socket
import ssl
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from hbprobe.cli import arguments, stand_in
from hbprobe.errors import UserError
from hbprobe.net.address import Address, cannot_listen

if TYPE_CHECKING:
    from hbprobe.exchange.settings import Settings
    from hbprobe.standin.service import StandIn

_DEFAULT = Address("127.0.0.1", 8443)
_WILDCARDS = {"0.0.0.0", "::"}


def register(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb to the command line."""
    parser = verbs.add_parser(
        "serve",
        help="be the far end: hold requests open as long as the probe asks; stand in for Exchange ActiveSync",
        description="Serve POST /hold?seconds=S, which is answered after S seconds with a token that the probe "
        "checks, and /Microsoft-Server-ActiveSync as Exchange does (docs/activesync.md). It listens on this machine "
        "only, unless --listen says otherwise.",
    )
    parser.add_argument(
        "--listen",
        type=arguments.address,
        default=_DEFAULT,
        metavar="HOST:PORT",
        help=f"where to listen (default: {_DEFAULT}); 0.0.0.0:PORT for every network",
    )
    add_tls(parser, default="auto")
    arguments.add_webconfig(parser)
    stand_in.add_arguments(parser)
    parser.set_defaults(run=run)


def add_tls(parser: argparse._ActionsContainer, *, default: str) -> None:
    """Add what a server needs to know to speak TLS."""
    parser.add_argument(
        "--tls",
        default=default,
        metavar="auto|off|CERT,KEY",
        help=f"auto: a private CA, made once in --state; CERT,KEY: files in PEM (default: {default})",
    )
    parser.add_argument(
        "--name",
        action="append",
        default=[],
        metavar="HOST",
        help="with --tls auto: a name or address by which clients reach this server; may be repeated",
    )
    parser.add_argument("--state", type=Path, metavar="DIR", help="where the private CA is kept")


def run(args: argparse.Namespace) -> int:
    """Run the verb."""
    from hbprobe import warp

    warp.run(_serve(args), warp.ScaledClock())
    return 0


async def _serve(args: argparse.Namespace) -> None:
    settings = arguments.exchange_settings(args)
    with stand_in.stand_in(args, settings, _say) as active_sync:
        await _serve_both(args, settings, active_sync)


async def _serve_both(args: argparse.Namespace, settings: "Settings", active_sync: "StandIn | None") -> None:
    from hbprobe.farend.server import FarEnd
    from hbprobe.net.descriptors import raise_limit

    raise_limit()
    ca, tls = server_tls(args)
    far_end = FarEnd(settings, tls, said=_say, services=() if active_sync is None else (active_sync,))
    try:
        host, port = await far_end.listen(args.listen.host, args.listen.port)
    except OSError as error:
        await far_end.close()
        raise cannot_listen(args.listen, error) from None
    _say(f"serving on {'https' if tls else 'http'}://{Address(host, port)}/  (Ctrl-C ends it)")
    if ca is not None:
        _say(f"certificate of the private CA: {ca}")
    _say(f"probe it with: {_probe_command(host, port, ca, tls=tls is not None)}")
    _say(stand_in.about(args, active_sync))
    for problem in settings.problems:
        _say(f"web.config: {problem.text}")
    try:
        async with stand_in.admin(args, active_sync, _say):
            await until_told_to_stop()
    finally:
        await far_end.close()


def server_tls(args: argparse.Namespace) -> tuple[Path | None, ssl.SSLContext | None]:
    """Return the private CA's file, if any, and the TLS settings. Raises UserError for files that do not serve."""
    from hbprobe.net.certificates import private_ca, server_context

    if args.tls == "off":
        return None, None
    if args.tls == "auto":
        host = args.listen.host
        names = (*args.name, socket.gethostname() if host in _WILDCARDS else host)
        return private_ca(args.state or _state_folder(), names)
    certificate, comma, key = args.tls.partition(",")
    if not comma or not certificate or not key:
        raise UserError(f"--tls {args.tls}: use auto, off, or CERT,KEY: two files in PEM")
    return None, server_context(Path(certificate), Path(key))


def _state_folder() -> Path:
    """Return where programs keep what they must find again (XDG base directories; LOCALAPPDATA on Windows)."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home())) / "hbprobe"
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "hbprobe"


def _probe_command(host: str, port: int, ca: Path | None, *, tls: bool) -> str:
    reached = Address(socket.gethostname() if host in _WILDCARDS else host, port)
    trust = f" --ca {ca}" if ca is not None else ""
    return f"hbprobe probe {'https' if tls else 'http'}://{reached}/{trust}"


def _say(text: str) -> None:
    print(text, flush=True)


async def until_told_to_stop() -> None:
    """Wait for SIGINT or SIGTERM."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, stop.set)
        except NotImplementedError:  # Windows: Ctrl-C arrives as KeyboardInterrupt
            break
    await stop.wait()
