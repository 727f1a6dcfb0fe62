"""`hbprobe serve`: the far end of a real path."""

import asyncio
import os
import signal
import socket
import ssl
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from hbprobe.cli import stand_in
from hbprobe.cli.options import At, Folder, WebConfig, exchange_settings
from hbprobe.cli.server_library import import_aiohttp
from hbprobe.cli.stand_in import StandInOptions
from hbprobe.errors import UserError
from hbprobe.net.address import Address, cannot_listen

if TYPE_CHECKING:
    from hbprobe.exchange.settings import Settings
    from hbprobe.standin.service import StandIn

_DEFAULT = Address("127.0.0.1", 8443)
_WILDCARDS = {"0.0.0.0", "::"}


@dataclass(frozen=True, kw_only=True)
class TlsOptions:
    """What a server needs to know to speak TLS."""

    listen: At
    tls: Annotated[
        str,
        Parameter(
            metavar="auto|off|CERT,KEY", help="auto: a private CA, made once in --state; CERT,KEY: files in PEM"
        ),
    ]
    name: Annotated[
        tuple[str, ...],
        Parameter(
            metavar="HOST",
            help="with --tls auto: a name or address by which clients reach this server; may be repeated",
        ),
    ] = ()
    state: Annotated[Folder, Parameter(help="where the private CA is kept")] = None


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Options(StandInOptions, TlsOptions):
    """Where to listen, and as what."""

    listen: Annotated[
        At, Parameter(help=f"where to listen (default: {_DEFAULT}); 0.0.0.0:PORT for every network")
    ] = _DEFAULT
    tls: Annotated[
        str,
        Parameter(
            metavar="auto|off|CERT,KEY",
            help="auto: a private CA, made once in --state; CERT,KEY: files in PEM (default: auto)",
        ),
    ] = "auto"
    webconfig: WebConfig = None


_DEFAULTS = Options()


def serve(options: Options = _DEFAULTS) -> int:
    """Serve until told to stop."""
    from hbprobe import warp
    from hbprobe.net.listener import raise_limit

    import_aiohttp()
    raise_limit()
    warp.run(_serve(options), warp.ScaledClock())
    return 0


async def _serve(options: Options) -> None:
    settings = exchange_settings(options.webconfig)
    with stand_in.stand_in(options, settings, _say) as active_sync:
        await _serve_both(options, settings, active_sync)


async def _serve_both(options: Options, settings: "Settings", active_sync: "StandIn | None") -> None:
    from hbprobe.farend.server import FarEnd

    ca, tls = server_tls(options)
    far_end = FarEnd(settings, tls, said=_say, services=() if active_sync is None else (active_sync,))
    try:
        host, port = await far_end.listen(options.listen.host, options.listen.port)
    except OSError as error:
        await far_end.close()
        raise cannot_listen(options.listen, error) from None
    _say(f"serving on {'https' if tls else 'http'}://{Address(host, port)}/  (Ctrl-C ends it)")
    if ca is not None:
        _say(f"certificate of the private CA: {ca}")
    _say(f"probe it with: {_probe_command(host, port, ca, tls=tls is not None)}")
    _say(stand_in.about(options, active_sync))
    for problem in settings.problems:
        _say(f"web.config: {problem.text}")
    try:
        async with stand_in.admin(options, active_sync, _say):
            await until_told_to_stop()
    finally:
        await far_end.close()


def server_tls(options: TlsOptions) -> tuple[Path | None, ssl.SSLContext | None]:
    """Return the private CA's file, if any, and the TLS settings. Raises UserError for files that do not serve."""
    from hbprobe.net.certificates import private_ca, server_context

    if options.tls == "off":
        return None, None
    if options.tls == "auto":
        host = options.listen.host
        names = (*options.name, socket.gethostname() if host in _WILDCARDS else host)
        return private_ca(options.state or _state_folder(), names)
    certificate, comma, key = options.tls.partition(",")
    if not comma or not certificate or not key:
        raise UserError(f"--tls {options.tls}: use auto, off, or CERT,KEY: two files in PEM")
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
