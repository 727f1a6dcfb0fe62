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
        "https://github.com/apache/httpd/blob/0cb680442ecaa6118cc610b5ecc6e824330bf61a/docs/manual/mod/core.xml",
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
        "lighttpd",
        "lighttpd",
        5,
        "server.max-keep-alive-idle",
        "https://github.com/lighttpd/lighttpd1.4/blob/73bfee6308c97af833f95dc2204c18d9e1cd3391/src/configfile.c",
    ),
    KeepAlive(
        "microsoft-iis",
        "Microsoft IIS",
        120,
        "connectionTimeout",
        "https://learn.microsoft.com/en-us/previous-versions/iis/settings-schema/ms689449(v=vs.90)",
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
        "https://github.com/nginx/nginx.org/blob/3924a7f8334b93bbb4d5368f3d0cd44922ef2a6b/xml/en/docs/http/ngx_http_core_module.xml",
    ),
    KeepAlive(
        "node",
        "Node.js",
        5,
        "server.keepAliveTimeout",
        "https://github.com/nodejs/node/issues/59193",
    ),
    KeepAlive(
        "node",
        "Node.js of 2026",
        66,
        "server.keepAliveTimeout, and a second more, keepAliveTimeoutBuffer",
        "https://github.com/nodejs/node/blob/0012a77503d5116c03ae75e0dc92a36975e58b5a/lib/_http_server.js",
    ),
    KeepAlive(
        "coyote",
        "Apache Tomcat with its server.xml",
        20,
        "connectionTimeout",
        "https://github.com/apache/tomcat/blob/84ac9af072d4c43ebb44ccc0ceba405ad0a84903/webapps/docs/config/http.xml",
    ),
    KeepAlive(
        "coyote",
        "Apache Tomcat",
        60,
        "connectionTimeout",
        "https://github.com/apache/tomcat/blob/84ac9af072d4c43ebb44ccc0ceba405ad0a84903/webapps/docs/config/http.xml",
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
        "https://github.com/encode/uvicorn/blob/00bf7cd90a1210ac8a949cdb751fa7b48b92a877/docs/settings.md",
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
