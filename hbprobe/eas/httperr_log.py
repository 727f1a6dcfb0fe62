"""Lines of HTTPERR, HTTP.sys's own log, about requests to the stand-in whose client went before they were answered.

The format, and what each reason says:
https://learn.microsoft.com/en-us/troubleshoot/developer/webapps/aspnet/site-behavior-performance/error-logging-http-apis.
Of the reasons there the stand-in has `Connection_Dropped`. It ends no connection for a timer of its own, as
Timer_ConnectionIdle and Timer_EntityBody would say, and no worker process of it dies.
"""

from typing import Final

from hbprobe.eas.iis_log import uri_query
from hbprobe.eas.log_blob import Site, Utc
from hbprobe.eas.request_record import RequestRecord

FIELDS: Final = (
    "date time c-ip c-port s-ip s-port cs-version cs-method cs-uri sc-status s-siteid s-reason s-queuename"
)
PATH: Final = "HTTPERR/httperr1.log"
"""Below the folder of all logs. HTTP.sys begins another file after some size, not after a day."""
_PORT: Final = 443
_DEFAULT_WEB_SITE: Final = 1
_POOL: Final = "MSExchangeSyncAppPool"


def httperr_head(time: str) -> str:
    """Return the lines with which the log begins; `time` as in "2030-01-02 08:00:00"."""
    return f"#Software: Microsoft HTTP API 2.0\n#Version: 1.0\n#Date: {time}\n#Fields: {FIELDS}\n"


def httperr_line(record: RequestRecord, site: Site, utc: Utc, client: str) -> str | None:
    """Return the line about a request of which the connection was gone; None for others, which have none.

    `client` is the address that the connection came from.
    """
    if record.is_delivered:
        return None
    at_s = record.ended_s if record.gone_s is None else record.gone_s
    fields = (
        utc(at_s).partition(".")[0],
        client,
        "-" if record.peer_port is None else record.peer_port,
        site.address,
        _PORT,
        "HTTP/1.1",
        record.method,
        f"{record.path}?{uri_query(record)}" if record.query else record.path,
        "-",
        _DEFAULT_WEB_SITE,
        "Connection_Dropped",
        _POOL,
    )
    return " ".join(map(str, fields))
