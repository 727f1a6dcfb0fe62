"""Where the interval of a keep-alive is set in the clients of a protocol, and in the system: the line to paste.

Each is out of the program's own documentation, which it names. A line is here only where the program sends something
by itself while nothing else does: a check before the next use, as redis-py's `health_check_interval`, saves nothing.
"""

from dataclasses import dataclass

_LEAST_S = 1
"""All of them count whole seconds, or nearly."""


@dataclass(frozen=True, slots=True)
class IntervalLine:
    """One place, and what is written there."""

    where: str
    line: str
    """With {seconds} or {milliseconds} where the interval goes."""
    source: str

    def text(self, interval_s: float) -> str:
        """Return what sets it to so much, or to the next whole second below."""
        whole_s = max(_LEAST_S, int(interval_s))
        return self.line.replace("{seconds}", str(whole_s)).replace("{milliseconds}", str(1000 * whole_s))

    def sentence(self, interval_s: float) -> str:
        """Say where it is set, how, and who says so."""
        return f"{self.where}: {self.text(interval_s)} ({self.source})"


LINUX = IntervalLine(
    "Linux, for programs that ask for TCP keep-alives",
    "sysctl -w net.ipv4.tcp_keepalive_time={seconds} net.ipv4.tcp_keepalive_intvl={seconds}",
    "https://docs.kernel.org/networking/ip-sysctl.html",
)
LIBPQ = IntervalLine(
    "libpq and psycopg",
    "psycopg.connect(..., keepalives_idle={seconds}, keepalives_interval={seconds})",
    "https://www.postgresql.org/docs/current/libpq-connect.html",
)
REDIS_PY = IntervalLine(
    "redis-py",
    "Redis(..., socket_keepalive=True, "
    "socket_keepalive_options={socket.TCP_KEEPIDLE: {seconds}, socket.TCP_KEEPINTVL: {seconds}})",
    "https://redis.readthedocs.io/en/stable/connections.html",
)
WEBSOCKETS = IntervalLine(
    "Python's websockets",
    "connect(..., ping_interval={seconds})",
    "https://websockets.readthedocs.io/en/stable/topics/keepalive.html",
)
AIOHTTP = IntervalLine(
    "aiohttp",
    "session.ws_connect(..., heartbeat={seconds})",
    "https://docs.aiohttp.org/en/stable/client_reference.html",
)
GRPC = IntervalLine(
    "gRPC, where the server permits it so often",
    'grpc.secure_channel(..., options=[("grpc.keepalive_time_ms", {milliseconds}), '
    '("grpc.keepalive_permit_without_calls", 1), ("grpc.http2.max_pings_without_data", 0)])',
    "https://grpc.github.io/grpc/cpp/md_doc_keepalive.html",
)
"""Servers refuse less than 5 min, as they ship: GOAWAY with too_many_pings."""
PAHO = IntervalLine(
    "paho-mqtt",
    "client.connect(..., keepalive={seconds})",
    "https://eclipse.dev/paho/files/paho.mqtt.python/html/client.html",
)
OPENSSH = IntervalLine(
    "OpenSSH's ssh_config", "ServerAliveInterval {seconds}", "https://man.openbsd.org/ssh_config#ServerAliveInterval"
)
