import duckdb
import pytest
from support.iis import FIELDS, head, line, ping, write

from hbprobe.eas.log_blob import ELEMENTS
from hbprobe.errors import RequestError, UserError
from hbprobe.evidence.logs.lines.http_tables import HTTPERR
from hbprobe.evidence.logs.lines.rows import REQUESTS
from hbprobe.evidence.logs.questions.reports import reports
from hbprobe.evidence.logs.request import Logs
from hbprobe.evidence.logs.store.hiding import HIDDEN, SHOWN, left_of_folders

NAME = "carol.marker@example.test"
WIDE = f"{FIELDS} sc-bytes cs-bytes s-computername s-sitename cs-host X-Forwarded-For cs(Cookie) cs-version"
OF_SERVERS = {"s-ip", "s-computername", "s-sitename", "s-siteid", "s-queuename", "cs-host", "cs(User-Agent)"}
OF_HTTPERR = "date time c-ip c-port s-ip s-port cs-version cs-method cs-uri sc-status s-siteid s-reason s-queuename"
OF_HTTPPROXY = (
    "DateTime,RequestId,Protocol,UrlHost,UrlStem,UrlQuery,Method,HttpStatus,TotalRequestTime,ClientIpAddress,"
    "AuthenticatedUser,UserAgent,ServerHostName,TargetServer,ErrorCode,GenericErrors,RequestBytes,ResponseBytes,"
    "AnchorMailbox,AuthenticationType"
)
PLAIN_PROXY = {
    "DateTime": "2030-01-02T08:10:00Z", "Protocol": "Eas", "UrlStem": "/Microsoft-Server-ActiveSync/default.eas",
    "HttpStatus": "200", "TotalRequestTime": "5",
}  # fmt: skip
QUERY = f"User={NAME}&DeviceId={NAME}&DeviceType=T&Cmd={NAME}&CollectionId={NAME}&Log="
BLOB = "".join(
    f"{name}:{NAME}_" for name in (*ELEMENTS, "Unknown") if name not in ("HH", "Mbx", "Cafe", "TmRcv", "TmCmpl")
)
"""Without the names of servers."""


def iis_lines():
    """Give a line for each field, with the name in it."""
    yield ping(fields=WIDE, blob="V141_Hb600_S1_")
    for field in WIDE.split():
        if field not in OF_SERVERS:
            yield line(fields=WIDE, **{field: f"/Microsoft-Server-ActiveSync/{NAME}" if "stem" in field else NAME})
    yield line(fields=WIDE, cs_uri_query=QUERY + BLOB)
    yield line(fields=WIDE, cs_uri_query=QUERY + f"V141_Fid:{NAME}_Ty:Em_{BLOB}Budget:{NAME}_")
    yield line(fields=WIDE, cs_uri_query=f"Cmd=Ping&Log=V141_Error:{NAME.replace('@', '%40')}_")


def httperr_lines():
    said = "2030-01-02 08:10:00 192.0.2.7 4000 192.0.2.1 443 HTTP/1.1 POST /x 503 1 QueueFull Pool"
    plain = said.split(" ")
    yield " ".join(plain)
    for place, field in enumerate(OF_HTTPERR.split()):
        if field not in OF_SERVERS:
            texts = [NAME, f"/Microsoft-Server-ActiveSync/default.eas?{QUERY}", f"/{NAME}"]
            for text in texts if field == "cs-uri" else texts[:1]:
                yield " ".join([*plain[:place], text, *plain[place + 1 :]])


def proxy_lines():
    names = OF_HTTPPROXY.split(",")
    shown = ("UrlHost", "UserAgent", "ServerHostName", "TargetServer")
    for field in [*(name for name in names if name not in shown), ""]:
        values = {"UrlQuery": f"?{QUERY}", **PLAIN_PROXY, **({field: NAME} if field else {})}
        yield ",".join(values.get(name, "") for name in names)


LOGS = {
    "u_ex300102.log": head(WIDE) + "".join(iis_lines()),
    "httperr1.log": "\n".join([head(OF_HTTPERR, software="Microsoft HTTP API 2.0").strip(), *httperr_lines(), ""]),
    "HttpProxy_1.LOG": "\r\n".join([f"#Fields: {OF_HTTPPROXY}", *proxy_lines(), ""]),
}


def told_of(folder, **asked):
    """Return all that is kept and shown of logs, in lower case."""
    with Logs([folder / "logs"], into=folder / "kept", **asked).opened() as opened:
        told = [opened.evidence().to_json(), *(opened.report(name).to_json() for name in reports())]
        told += [str(opened.tables.rows(f"SELECT * FROM {name}")) for name in ("all_requests", "silences", "httperr")]
    told += [file.read_text() for file in (folder / "kept").rglob("*.json")]
    files = list((folder / "kept").rglob("*.parquet"))
    told += [str(duckdb.read_parquet(str(file)).fetchall()) for file in files]
    return "\n".join(told).lower(), len(files)


@pytest.mark.parametrize("name", LOGS)
def test_a_name_in_any_field_of_any_log_is_nowhere(tmp_path, name):
    write(tmp_path / "logs" / name, LOGS[name])
    key = write(tmp_path / "key", "0123456789abcdef")
    told, files = told_of(tmp_path, pseudonyms=key)
    assert files and "carol" not in told and "marker" not in told


@pytest.mark.parametrize("name", LOGS)
def test_without_pseudonyms_it_is_there(tmp_path, name):
    write(tmp_path / "logs" / name, LOGS[name])
    assert NAME in told_of(tmp_path)[0]


def test_each_column_is_decided():
    texts = {name for columns in (REQUESTS, HTTPERR) for name, kind in columns.items() if kind == "VARCHAR"}
    assert set(HIDDEN).isdisjoint(SHOWN) and set(HIDDEN) | SHOWN == texts


def test_what_programs_say_stays(tmp_path):
    blob = "V141_Fid:12_Ty:Em_Cli:1a0c2d_Svr:0a3c_St:F_Error:DeviceNotProvisioned_As:BlockedP_Msg:carol_"
    write(tmp_path / "logs/a.log", head() + ping(blob=blob))
    reason = "192.0.2.7 4000 192.0.2.1 443 HTTP/1.1 POST /Microsoft-Server-ActiveSync/default.eas?User=carol 503 1"
    lines = f"2030-01-02 08:10:00 {reason} Connection_Dropped_List_Full Pool\n"
    write(tmp_path / "logs/httperr1.log", head(OF_HTTPERR) + lines)
    key = write(tmp_path / "key", "0123456789abcdef")
    with Logs([tmp_path / "logs"], pseudonyms=key).opened() as opened:
        ((*row,),) = opened.tables.each(
            "SELECT command, method, error, access, sync_type, stem, folders FROM requests"
        )
        ((*other,),) = opened.tables.each("SELECT method, uri, reason, queue FROM httperr")
    path = "/Microsoft-Server-ActiveSync/default.eas"
    assert row == ["Ping", "POST", "DeviceNotProvisioned", "BlockedP", "F", path, "Fid:0_Ty:Em_Cli:1a0c2d_Svr:0a3c_"]
    assert other == ["POST", path, "Connection_Dropped_List_Full", "Pool"]


@pytest.mark.parametrize("text", ["", "_", "Fid", "Fid:5", "Ty:Em", "Cli:²a_", "Fc:5a_", "TmRcv:08:00:00_"])
def test_of_folders_only_counts_stay(text):
    assert left_of_folders(text) in ("", "Fid:0_")


@pytest.mark.parametrize(
    ("address", "whole"), [("198.51.100.0/25", "198.51.100.0/24"), ("2001:db8::1", "2001:db8::/48")]
)
def test_what_pseudonyms_take_is_not_asked_for(tmp_path, address, whole):
    write(tmp_path / "logs/a.log", head() + ping())
    key = write(tmp_path / "key", "0123456789abcdef")
    names = write(tmp_path / "names.csv", f"198.51.0.0/16,Carrier\n{address},Site\n")
    assert Logs([tmp_path / "logs"], networks=names).run().coverage.requests
    told = rf"names.csv: {address}[/0-9]* is only a part of {whole}, and more of an address is not left"
    with pytest.raises(UserError, match=told):
        Logs([tmp_path / "logs"], networks=names, pseudonyms=key).run()
    with pytest.raises(RequestError, match=r"25 is longer than the /24 that pseudonyms leaves of an address"):
        Logs([tmp_path / "logs"], v4_prefix=25, pseudonyms=key)
    write(names, f"{whole},Site\n")
    with Logs([tmp_path / "logs"], networks=names, pseudonyms=key).opened() as opened:
        ((network,),) = opened.tables.each("SELECT network FROM silences")
    assert network == ("Site" if "." in whole else "198.51.100.0/24")
