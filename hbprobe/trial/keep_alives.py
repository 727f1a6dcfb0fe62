"""How long web servers keep a connection on which nothing is asked, as they ship: their own timer, and no box's."""

from dataclasses import dataclass

_SLACK_S, _SLACK = 0.6, 0.02
"""So far may a measured time lie above the number: servers look over their connections now and then."""
_EARLY_S = 0.35
"""nginx ends timers up to 0.3 s early."""


@dataclass(frozen=True, slots=True)
class KeepAlive:
    """The keep-alive timer of one server."""

    word: str
    """What its Server header holds, in lower case."""
    name: str
    default_s: float
    setting: str
    source: str
    """Where the number stands."""

    def is_near(self, quiet_s: float) -> bool:
        """Return whether a connection that was ended after so long may have been ended by this timer."""
        return self.default_s - _EARLY_S <= quiet_s <= self.default_s * (1 + _SLACK) + _SLACK_S

    def is_named_by(self, server: str) -> bool:
        """Return whether a Server header names this server."""
        return self.word in server.lower()


KEEP_ALIVES = (
    KeepAlive(
        "apache/",
        "Apache httpd",
        5,
        "KeepAliveTimeout",
        "https://httpd.apache.org/docs/2.4/mod/core.html#keepalivetimeout",
    ),
    KeepAlive(
        "caddy",
        "Caddy",
        300,
        "idle timeout",
        "https://github.com/caddyserver/website/blob/1a6bbd7d92ea03da4fc4864a096dbbb290ffc1fc/src/docs/markdown/caddyfile/options.md",
    ),
    KeepAlive(
        "kestrel",
        "ASP.NET Core Kestrel",
        130,
        "KeepAliveTimeout",
        "https://learn.microsoft.com/en-us/dotnet/api/microsoft.aspnetcore.server.kestrel.core.kestrelserverlimits.keepalivetimeout",
    ),
    KeepAlive(
        "microsoft-iis",
        "Microsoft IIS",
        120,
        "connectionTimeout",
        "https://learn.microsoft.com/iis/configuration/system.applicationhost/sites/sitedefaults/limits",
    ),
    KeepAlive(
        "microsoft-httpapi",
        "Microsoft HTTP.sys",
        120,
        "IdleConnection",
        "https://learn.microsoft.com/en-us/dotnet/api/microsoft.aspnetcore.server.httpsys.timeoutmanager.idleconnection",
    ),
    KeepAlive(
        "nginx",
        "nginx",
        75,
        "keepalive_timeout",
        "https://nginx.org/en/docs/http/ngx_http_core_module.html#keepalive_timeout",
    ),
    KeepAlive(
        "node",
        "Node.js",
        5,
        "server.keepAliveTimeout",
        "https://github.com/nodejs/node/commit/e470c74a6c",
    ),
    KeepAlive(
        "coyote",
        "Apache Tomcat with its server.xml",
        20,
        "connectionTimeout",
        "https://tomcat.apache.org/tomcat-8.0-doc/config/http.html",
    ),
    KeepAlive(
        "coyote",
        "Apache Tomcat",
        60,
        "connectionTimeout",
        "https://tomcat.apache.org/tomcat-8.0-doc/config/http.html",
    ),
    KeepAlive(
        "ats/",
        "Apache Traffic Server",
        120,
        "keep_alive_no_activity_timeout_in",
        "https://github.com/apache/trafficserver/pull/1179",
    ),
    KeepAlive(
        "uvicorn",
        "Uvicorn",
        5,
        "--timeout-keep-alive",
        "https://www.uvicorn.org/settings/",
    ),
    KeepAlive(
        "varnish",
        "Varnish",
        5,
        "timeout_idle",
        "https://github.com/varnishcache/varnish-cache/blob/27d2ce15b20b94d0a5e452b0d5c29c3145d00b6a/include/tbl/params.h",
    ),
)


def shipped_near(quiet_s: float, server: str) -> tuple[KeepAlive, ...]:
    """Return whose timer, as shipped, ends a connection that was quiet for so long.

    Where the Server header names a server of this table, no other one is meant.
    """
    near = tuple(one for one in KEEP_ALIVES if one.is_near(quiet_s))
    named = [one for one in KEEP_ALIVES if one.is_named_by(server)]
    return tuple(one for one in near if one in named) if named else near
