"""Real servers of every protocol that hbprobe talks in, each alone and behind a box that forgets after 4 s, and some
behind HAProxy, whose timers are of 4 s.

All of them run at the same time, as an ordinary user where they let themselves be run so, and all searches do: the
module takes as long as the longest hold.
"""

import asyncio
import contextlib
import getpass
import grp
import os
import pwd
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import pytest
import trustme
from support.nginx import HEAD, HTTP

import hbprobe
from hbprobe import warp
from hbprobe.errors import CannotMeasureError
from hbprobe.measure.request import target_of
from hbprobe.middlebox.chain import Chain
from hbprobe.profiles.catalogue import Catalogue
from hbprobe.profiles.running import with_overrides
from hbprobe.trial.evidence import Ask, Question
from hbprobe.trial.methods.method import Environment, make
from hbprobe.trial.outcome import Kind

pytestmark = [
    pytest.mark.program,
    pytest.mark.realtime,
    pytest.mark.xdist_group("protocol servers"),
    pytest.mark.skipif(sys.platform != "linux", reason="as Debian packs them"),
]

CAP_S = 7
"""Well above the box's timer: a server's begins with the connection, which a busy machine is slow to make use of."""
IDLE_S = 4
SEARCH = {"min": 1, "max": 9, "precision": 1, "connections": 9, "strategy": "split", "grace": 5}
LOGIN = {"user": "ada", "password": "s3cret"}
TLS = {"starttls": True}
WHISPERED_S = 2
_ROOT = os.geteuid() == 0
_START_S = 30.0
_POSTGRES_PLACES = map(str, Path("/usr/lib/postgresql").glob("*/bin"))
PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", *_POSTGRES_PLACES])


@dataclass
class Server:
    """One server: how it is started in its folder at its port, and how it is asked."""

    program: str
    scheme: str
    files: dict[str, str] = field(default_factory=dict)
    command: tuple[str, ...] = ()
    before: tuple[tuple[str, ...], ...] = ()
    path: str = "/"
    said: dict = field(default_factory=dict)
    as_user: str | None = None
    """It refuses to be run by root: this user of its package runs it there."""
    module: str = ""
    """The package of Python that it takes."""
    cap: str | None = None
    """What ends a quiet connection at CAP_S, as the server says it; "" for one that says nothing."""


def conf(text):
    return {"conf": text}


_USER = "nobody" if _ROOT else getpass.getuser()
_GROUP = grp.getgrgid(pwd.getpwnam(_USER).pw_gid).gr_name
_WHO = {"user": _USER, "group": _GROUP, "gid": pwd.getpwnam(_USER).pw_gid}
# Dovecot says that it is still here at the same moments for all sessions of a user: the first comes at any time.
_DOVECOT = """
base_dir = {folder}/run
log_path = {folder}/log
protocols = imap
listen = 127.0.0.1
ssl = yes
ssl_cert = <{folder}/cert.pem
ssl_key = <{folder}/key.pem
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
first_valid_uid = 1
mail_max_userip_connections = 100
imap_idle_notify_interval = 24 hours
mail_location = maildir:{folder}/mail
passdb {{
  driver = static
  args = password=s3cret
}}
userdb {{
  driver = static
  args = uid={user} gid={gid} home={folder}/mail
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
"""
_EXIM = """
exim_path = /usr/sbin/exim4
exim_user = {user}
exim_group = {group}
admin_groups = {group}
keep_environment =
primary_hostname = localhost
spool_directory = {folder}/spool
log_file_path = {folder}/spool/%slog
pid_file_path = {folder}/exim.pid
local_interfaces = 127.0.0.1
daemon_smtp_ports = {port}
smtp_receive_timeout = 7s
tls_advertise_hosts = *
tls_certificate = {folder}/cert.pem
tls_privatekey = {folder}/key.pem
acl_smtp_rcpt = deny
begin routers
begin transports
begin acl
deny:
  deny
"""
_SLAPD = """
pidfile {folder}/slapd.pid
TLSCertificateFile {folder}/cert.pem
TLSCertificateKeyFile {folder}/key.pem
database ldif
suffix cn=example
rootdn cn=ada,cn=example
rootpw s3cret
directory {folder}
"""
_SSHD = """
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host_key
PidFile none
UsePAM no
LoginGraceTime 7
"""
_NGINX = (
    HEAD
    + "http {{"
    + HTTP
    + """
    client_header_timeout 7s;
    server {{
        listen 127.0.0.1:{port} ssl http2;
        ssl_certificate {folder}/cert.pem;
        ssl_certificate_key {folder}/key.pem;
    }}
}}
"""
)
_WEBSOCKETS = """
import asyncio
from websockets.asyncio.server import serve

async def silent(socket):
    async for message in socket:
        await socket.send(message)

async def main():
    async with serve(silent, "127.0.0.1", {port}, ping_interval={ping}, subprotocols=["quiet"]):
        await asyncio.get_running_loop().create_future()

asyncio.run(main())
"""
_GRPC = """
from concurrent.futures import ThreadPoolExecutor
import grpc
server = grpc.server(ThreadPoolExecutor(1), options=[("grpc.max_connection_idle_ms", 7000)])
pair = open("{folder}/key.pem", "rb").read(), open("{folder}/cert.pem", "rb").read()
server.add_secure_port("127.0.0.1:{port}", grpc.ssl_server_credentials([pair]))
server.start()
server.wait_for_termination()
"""
_MOSQUITTO = """
user {user}
listener {port} 127.0.0.1
allow_anonymous false
password_file {folder}/passwords
"""
_INIT = ("initdb", "-D", "{folder}/db", "-U", "ada", "--pwfile", "{folder}/password", "-A", "scram-sha-256", "-N")
_POSTGRES = (
    *("postgres", "-D", "{folder}/db", "-p", "{port}", "-c", "listen_addresses=127.0.0.1"),
    *("-c", "unix_socket_directories=", "-c", "authentication_timeout=7s", "-c", "fsync=off", "-c", "ssl=on"),
    *("-c", "ssl_cert_file={folder}/cert.pem", "-c", "ssl_key_file={folder}/key.pem", "-c", "shared_buffers=1MB"),
)
_POSTGRESQL = Server(
    "postgres",
    "postgresql",
    {"password": "s3cret\n"},
    _POSTGRES,
    (_INIT,),
    path="/postgres",
    as_user="postgres" if _ROOT else None,
)

SERVERS = {
    "redis": Server(
        "redis-server",
        "redis",
        conf("port {port}\nbind 127.0.0.1\nsave ''\nrequirepass s3cret\ndir {folder}\n"),
        ("redis-server", "{folder}/conf"),
        said=LOGIN | {"user": "default"},
    ),
    "mosquitto": Server(
        "mosquitto",
        "mqtt",
        conf(_MOSQUITTO),
        ("mosquitto", "-c", "{folder}/conf"),
        (("mosquitto_passwd", "-b", "-c", "{folder}/passwords", "ada", "s3cret"),),
        said=LOGIN,
    ),
    "dovecot": Server(
        "dovecot", "imap", conf(_DOVECOT), ("dovecot", "-F", "-c", "{folder}/conf"), said=LOGIN | TLS, path="/INBOX"
    ),
    "exim": Server("exim4", "smtp", conf(_EXIM), ("exim4", "-C", "{folder}/conf", "-bdf"), said=TLS, cap=""),
    "slapd": Server(
        "slapd",
        "ldap",
        conf(_SLAPD),
        ("slapd", "-d", "0", "-f", "{folder}/conf", "-h", "ldap://127.0.0.1:{port}/"),
        said=LOGIN | TLS | {"user": "cn=ada,cn=example"},
    ),
    "postgresql": _POSTGRESQL,
    "sshd": Server(
        "sshd",
        "ssh",
        conf(_SSHD),
        ("sshd", "-D", "-e", "-f", "{folder}/conf"),
        (("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "{folder}/host_key"),),
        cap="",
    ),
    "nginx": Server(
        "nginx", "h2", conf(_NGINX), ("nginx", "-p", "{folder}", "-e", "stderr", "-c", "{folder}/conf"), cap="GOAWAY"
    ),
    "grpc": Server(
        sys.executable, "grpcs", conf(_GRPC), (sys.executable, "{folder}/conf"), module="grpc", cap="GOAWAY"
    ),
    "websockets": Server(
        sys.executable,
        "ws",
        conf(_WEBSOCKETS.replace("{ping}", "None")),
        (sys.executable, "{folder}/conf"),
        module="websockets",
        said={"subprotocol": ["quiet"], "headers": {"Origin": "https://app.example"}},
    ),
    "websockets, which speaks": Server(
        sys.executable,
        "ws",
        conf(_WEBSOCKETS.replace("{ping}", "3")),
        (sys.executable, "{folder}/conf"),
        module="websockets",
        said={"subprotocol": ["quiet"]},
    ),
}
ASKED = {
    **{name: (name, server.said, server.cap) for name, server in SERVERS.items() if name != "postgresql"},
    "postgresql, before the login": ("postgresql", {}, ""),
    "postgresql, in a session": ("postgresql", LOGIN | TLS, None),
    "redis, before the login": ("redis", {}, None),
    "redis, as bytes": ("redis", {"scheme": "tcp", "send": r"PING\r\n", "expect": "NOAUTH"}, None),
}
BEHIND_HAPROXY = ("redis, before the login", "mosquitto", "dovecot", "slapd", "nginx", "websockets")
_HAPROXY = """
defaults
    mode tcp
    timeout connect 5s
    timeout client {timer_s}s
    timeout server {timer_s}s
"""
SPEAKS = "websockets, which speaks"
QUIET = [name for name in ASKED if name != SPEAKS]


def find(program):
    return shutil.which(program, path=PATH)


def is_here(server):
    missing = server.module if server.module and find_spec(server.module) is None else ""
    missing = missing or ("" if find(server.program) else server.program)
    if missing and os.environ.get("CI") == "true":
        pytest.fail(f"{missing} is not installed")
    return not missing


class Running:
    """A server that runs."""

    def __init__(self, server, folder, cert):
        self.server, self.folder = server, folder
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self._owner = pwd.getpwnam(server.as_user) if server.as_user else None
        places = {"folder": folder, "port": self.port, **_WHO}
        for name, pem in {"cert.pem": cert.cert_chain_pems[0], "key.pem": cert.private_key_pem}.items():
            pem.write_to_path(folder / name)
            (folder / name).chmod(0o600)
        for name, text in server.files.items():
            (folder / name).write_text(text.format(**places) if "{" in text else text)
        for place in ("mail", "run", "spool"):
            (folder / place).mkdir()
        if _ROOT:
            self._give_away()
        for command in server.before:
            self._start(command, places).wait(_START_S)
        self.process = self._start(server.command, places)

    def _give_away(self):
        """Let the server's own user have the folder."""
        owners = {"exim4": _USER, "dovecot": _USER, "mosquitto": _USER}
        owner = self.server.as_user or owners.get(self.server.program)
        if owner is None:
            return
        user = pwd.getpwnam(owner)
        for path in (self.folder, *self.folder.iterdir()):
            if path.name != "conf":
                os.chown(path, user.pw_uid, user.pw_gid)

    def _start(self, command, places):
        program, *arguments = (word.format(**places) for word in command)
        options = {"user": self._owner.pw_uid, "group": self._owner.pw_gid} if self._owner else {}
        with (self.folder / "output").open("ab") as output:
            return subprocess.Popen(
                [find(program) or program, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                **options,
            )

    def wait(self):
        """Wait until it listens."""
        until_s = time.perf_counter() + _START_S
        while True:
            with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", self.port)):
                return
            assert self.process.poll() is None, (self.folder / "output").read_text()
            assert time.perf_counter() < until_s, (self.folder / "output").read_text()
            time.sleep(0.05)  # noqa: TID251  no loop here

    def kill(self):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


async def measured(port, server, said, ca):
    """Return the result, or why there is none."""
    try:
        return await probe_of(port, server, said, ca).measure()
    except CannotMeasureError as error:
        return error


def probe_of(port, server, said, ca):
    said = dict(said)
    tls = said.get("starttls") or server.scheme in ("h2", "grpcs")
    url = f"{said.pop('scheme', server.scheme)}://127.0.0.1:{port}{server.path}"
    return hbprobe.Probe(url, **SEARCH, **said, **({"ca": ca} if tls else {}))


async def whispered(port, server, said, ca):
    """Let the client say what no server answers, and then ask; None where there is no such thing."""
    probe = probe_of(port, server, said, ca)
    target = target_of(probe.url, probe.traits.schemes)
    told = {"talk": probe.talk(target)}
    method = make(Environment(probe.method, probe.dialer(target), SEARCH["grace"], random.Random(1), **told))
    if Question.CLIENT_DRIP not in method.asks:
        return None
    return (await method.ask(Ask(Question.CLIENT_DRIP, WHISPERED_S, WHISPERED_S / 4))).outcome


def behind_haproxy(running, folder):
    """Start HAProxy before some servers; return its process, and its port for each."""
    ports, text = {}, _HAPROXY.format(timer_s=IDLE_S)
    for name in BEHIND_HAPROXY:
        if ASKED[name][0] in running:
            with socket.create_server(("127.0.0.1", 0)) as probe:
                ports[name] = probe.getsockname()[1]
            upstream = running[ASKED[name][0]].port
            text += f"listen l{ports[name]}\n    bind 127.0.0.1:{ports[name]}\n    server s 127.0.0.1:{upstream}\n"
    (folder / "haproxy.cfg").write_text(text)
    command = [find("haproxy"), "-db", "-f", str(folder / "haproxy.cfg")]
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(command, **quiet), ports


async def measure_all(running, ca, proxied):
    """Measure everything at the same time: alone, behind the box, and behind HAProxy."""
    box, _ = with_overrides(Catalogue().find("aws-nlb-tcp"), {"idle": str(IDLE_S)})
    chains, work = [], {}
    try:
        async with asyncio.TaskGroup() as group:
            for name, (of, said, _) in ASKED.items():
                if of not in running:
                    continue
                chain = Chain([box], [(socket.AF_INET, ("127.0.0.1", running[of].port))], lambda _: lambda _: None)
                chains.append(chain)
                _, port = await chain.listen("127.0.0.1", 0)
                server = SERVERS[of]
                work[name, "alone"] = group.create_task(measured(running[of].port, server, said, ca))
                work[name, "whispered"] = group.create_task(whispered(running[of].port, server, said, ca))
                work[name, "boxed"] = group.create_task(measured(port, server, said, ca))
                if name in proxied:
                    work[name, "proxied"] = group.create_task(measured(proxied[name], server, said, ca))
    finally:
        for chain in chains:
            chain.close()
    return {key: task.result() for key, task in work.items()}


@pytest.fixture(scope="session")
def results():
    authority = trustme.CA()
    cert = authority.issue_cert("localhost", "127.0.0.1")
    with tempfile.TemporaryDirectory(prefix="hbprobe-") as place, contextlib.ExitStack() as stack:
        Path(place).chmod(0o755)
        ca, running = Path(place) / "ca.pem", {}
        authority.cert_pem.write_to_path(ca)
        if _ROOT:
            Path("/run/sshd").mkdir(exist_ok=True)
        for number, (name, server) in enumerate(SERVERS.items()):
            if not is_here(server):
                continue
            folder = Path(place) / str(number)
            folder.mkdir(mode=0o755)
            running[name] = Running(server, folder, cert)
            stack.callback(running[name].kill)
        for one in running.values():
            one.wait()
        proxied = {}
        if find("haproxy"):
            process, proxied = behind_haproxy(running, Path(place))
            stack.callback(process.wait)
            stack.callback(process.kill)
        yield warp.run(measure_all(running, ca, proxied), warp.ScaledClock())


def one_of(results, name, way):
    if (name, way) not in results:
        pytest.skip(f"{SERVERS[ASKED[name][0]].program} is not installed")
    result = results[name, way]
    assert not isinstance(result, Exception), result
    return result


@pytest.mark.parametrize("name", QUIET)
def test_what_a_server_does_by_itself(results, name):
    """A limit of its own comes out as the server's, and a server without one lets everything live."""
    limit, cap = one_of(results, name, "alone").limit, ASKED[name][2]
    if cap is None:
        assert (limit.survived_s, limit.cut_s) == (SEARCH["max"], None)
        return
    assert limit.survived_s < CAP_S + 1.5
    assert CAP_S - 2 <= limit.cut_s < CAP_S + 3, "timers of servers are coarse, and some begin with the connection"
    assert {"closed-by-server", "reset-by-server"} & {str(cause) for cause in limit.causes}
    if cap:
        assert any(cap in fact for fact in limit.evidence), limit.evidence


@pytest.mark.parametrize("name", QUIET)
def test_what_no_server_answers_is_answered_by_none_and_ends_nothing(results, name):
    if results.get((name, "whispered")) is None:
        pytest.skip("nothing of that sort is in this protocol, or it is not installed")
    assert results[name, "whispered"].kind is Kind.SURVIVED, results[name, "whispered"]


@pytest.mark.parametrize("name", QUIET)
def test_what_a_box_before_it_does(results, name):
    limit = one_of(results, name, "boxed").limit
    assert limit.survived_s < IDLE_S + 0.5
    assert IDLE_S - 1 < limit.cut_s < IDLE_S + 2, "a hold may be late by as much as the limit is precise"
    assert str(limit.causes[0]) == "state-lost-reset-on-next", (limit, limit.evidence)


@pytest.mark.parametrize("name", BEHIND_HAPROXY)
def test_what_haproxy_before_it_does(results, name):
    """It ends TCP, so that its FIN may as well be the server's: both are named."""
    if not find("haproxy"):
        pytest.skip("haproxy is not installed")
    limit = one_of(results, name, "proxied").limit
    assert limit.survived_s < IDLE_S + 0.5
    assert IDLE_S - 1 < limit.cut_s < IDLE_S + 2
    assert str(limit.manner) == "closed"
    assert {str(cause) for cause in limit.causes} == {"closed-by-server", "closed-by-proxy"}


@pytest.mark.parametrize("way", ["alone", "boxed"])
def test_a_server_that_speaks_by_itself_is_told_as_that(results, way):
    if (SPEAKS, way) not in results:
        pytest.skip("websockets is not installed")
    said = re.fullmatch(
        r"the server speaks by itself every (\S+) s or sooner: longer silence cannot be tested",
        str(results[SPEAKS, way]),
    )
    assert said is not None, results[SPEAKS, way]
    assert 1.5 < float(said[1]) < 4.5, "its clock began with the connection"
