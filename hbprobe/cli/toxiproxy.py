"""`hbprobe toxiproxy`: the fault proxy that clients of Toxiproxy steer."""

import asyncio
import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from hbprobe.cli.options import File, Folder, Seed, reads, whole
from hbprobe.cli.serve import until_told_to_stop
from hbprobe.cli.server_library import import_aiohttp
from hbprobe.errors import UserError
from hbprobe.net.address import Address, is_loopback
from hbprobe.net.listener import raise_limit
from hbprobe.text import counted, json_of

_TOKEN_VARIABLE = "TOXIPROXY_AUTH_TOKEN"
_MOST_PORT = 65535


def _port(text: str) -> int:
    port = whole(text)
    if not 0 <= port <= _MOST_PORT:
        raise ValueError(f"{text!r} is no port: write a number from 0 to {_MOST_PORT}")
    return port


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Options:
    """Where to listen, and what is there at the start."""

    host: Annotated[
        str,
        Parameter(
            name=("--host", "-host"),
            metavar="HOST",
            help="where the API listens (default: localhost); 0.0.0.0 for every network",
        ),
    ] = "localhost"
    port: Annotated[
        int, reads(_port, "PORT"), Parameter(name=("--port", "-port"), help="the API's port (default: 8474)")
    ] = 8474
    config: Annotated[
        File,
        Parameter(
            name=("--config", "-config"),
            help="proxies to make at the start, with their toxics: the JSON of /populate",
        ),
    ] = None
    tls_folder: Annotated[
        Folder,
        Parameter(
            help="where the files are that proxies name for TLS (default: the folder of --config, or this one)"
        ),
    ] = None
    seed: Annotated[
        Seed,
        Parameter(
            name=("--seed", "-seed"),
            help="other connections that a toxic with a toxicity below 1 hits, and other jitter (default: 0)",
        ),
    ] = 0
    proxy_metrics: Annotated[
        bool,
        Parameter(
            name=("--proxy-metrics", "-proxy-metrics"),
            help="taken for the sake of old command lines: /metrics is always there",
        ),
    ] = False
    runtime_metrics: Annotated[
        bool,
        Parameter(name=("--runtime-metrics", "-runtime-metrics"), help="taken for the sake of old command lines"),
    ] = False


_DEFAULTS = Options()


def toxiproxy(options: Options = _DEFAULTS) -> int:
    """Serve until told to stop."""
    from hbprobe import warp

    import_aiohttp()
    raise_limit()
    warp.run(_serve(options, _configured(options.config)), warp.ScaledClock())
    return 0


def _configured(path: Path | None) -> object:
    """Return the proxies that a file asks for; raises UserError."""
    if path is None:
        return []
    try:
        return json_of(path.read_bytes())
    except OSError as error:
        raise UserError(f"--config {path}: cannot be read: {os.strerror(error.errno or 0)}") from None
    except ValueError as error:
        raise UserError(f"--config {path}: is no JSON: {error}") from None


async def _serve(options: Options, configured: object) -> None:
    from hbprobe.middlebox.faults.toxic_reading import ApiError
    from hbprobe.web.box_page import PagedToxiproxy

    token = os.environ.get(_TOKEN_VARIABLE) or None
    folder = options.tls_folder or (options.config.parent if options.config else Path())
    api, where = PagedToxiproxy(token, options.seed, folder=folder), Address(options.host, options.port)
    try:
        proxies = await api.populate(configured)
    except ApiError as error:
        await api.close()
        raise UserError(f"--config {options.config}: {error.text}") from None
    if twice := [name for name, count in Counter(proxy.name for proxy in proxies).items() if count > 1]:
        await api.close()  # over the API the later one takes the other's place; in a file it is a slip
        raise UserError(f"--config {options.config}: two proxies are called {twice[0]!r}: give each its own name")
    stopped = asyncio.ensure_future(until_told_to_stop())
    await asyncio.sleep(0)  # it waits before anybody can know of us
    async with api.opened(where, "--port PORT") as at:
        _say(f"Toxiproxy's API on http://{at}  (Ctrl-C ends it)")
        if token is None and not is_loopback(options.host):
            _say(f"whoever reaches {where} can open ports here: set {_TOKEN_VARIABLE} to a token that callers send")
        for proxy in proxies:
            toxics = counted(len(proxy.box.toxics), "toxic")
            _say(f"{proxy.name} on {proxy.listen}, to {proxy.upstream}, {toxics}")
        await stopped


def _say(text: str) -> None:
    print(text, flush=True)
