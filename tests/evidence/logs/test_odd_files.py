"""One folder with a file of every kind that administrators hand over: each is read, or refused with the mend."""

import base64
import gzip

from support.iis import FIELDS, head, line, ping, write

from hbprobe.evidence.logs.request import Logs

OLD_FIELDS = FIELDS.replace("cs(Referer) ", "")
FEW_FIELDS = "date time cs-method cs-uri-stem cs-uri-query sc-status time-taken"
ADVANCED = (
    "#Software: IIS Advanced Logging Module\n#Version: 1.0\n#Start-Date: 2030-01-02 08:00:00.000\n"
    "#Fields:  date-local time-local s-ip cs-uri-stem cs-uri-query s-port cs-method cs-username c-ip cs(User-Agent) "
    "sc-status sc-substatus sc-win32-status TimeTakenMS\n"
    '2030-01-02 08:10:00.250 192.0.2.10 /Microsoft-Server-ActiveSync/default.eas "User=gil&DeviceId=G1&DeviceType=X&'
    'Cmd=Ping" 443 POST "EXAMPLE\\gil" 198.51.100.9 "An App (with blanks)" 200 0 0 480010\n'
)
PACKED = base64.b64encode(bytes([0x8D, 18, 9, 4, 2]) + b"P1" + bytes([4, 0, 0, 0, 0, 2]) + b"WP").decode()
BACK_END = "/Microsoft-Server-ActiveSync/Proxy/default.eas"
LATER = "SC1:1_PrxFrom:192.0.2.10_Ver1:161_HH:mail.example.test_Hb:600_Rto:1_Mbx:EX1_TmRcv:07:59:59.9_"
PROXY_FIELDS = (
    "DateTime,Protocol,UrlStem,ProtocolAction,AuthenticatedUser,UserAgent,ClientIpAddress,ServerHostName,HttpStatus,"
    "ErrorCode,Method,TargetServer,TotalRequestTime,UrlQuery"
)
HTTPPROXY = (
    f"#Software: Microsoft Exchange Server\n#Log-type: HttpProxy Logs\n#Fields: {PROXY_FIELDS}\n"
    "2030-01-02T08:10:00.100Z,Eas,/Microsoft-Server-ActiveSync,Ping,EXAMPLE\\hal,UA/1,198.51.100.7,EX1,200,,POST,MBX1,"
    '600013,"?User=hal&DeviceId=H1&DeviceType=iPhone&Cmd=Ping"\n'
)
SAYS = "the average of recent heartbeat intervals [{}] for request [Ping] is at or below [540]."
XML = (
    '<Events><Event xmlns="http://schemas.microsoft.com/win/2004/08/events/event"><System>'
    '<Provider Name="MSExchange ActiveSync"/><EventID Qualifiers="32768">1040</EventID>'
    '<TimeCreated SystemTime="2030-01-02T08:21:00.000000000Z"/><Computer>EX1</Computer></System>'
    "<EventData><Data>513</Data><Data>Ping</Data><Data>540</Data></EventData></Event></Events>"
)
VIEWER = (
    "Log Name:      Application\nSource:        MSExchange ActiveSync\nDate:          2030-01-02 09:21:00\n"
    f"Event ID:      1040\nLevel:         Warning\nComputer:      EX1\nDescription:\n{SAYS.format(507)}\n"
)
JSON = (
    '[{"TimeCreated": "/Date(1893579660000)/", "Id": 1040, "ProviderName": "MSExchange ActiveSync", '
    f'"MachineName": "EX1", "Message": "{SAYS.format(520)}"}}]'
)

TABLE = (
    "Level,Date and Time,Source,Event ID,Task Category\n"
    f'Warning,1/2/2030 9:51:00 AM,MSExchange ActiveSync,1040,Requests,"{SAYS.format(500)}"\n'
)

READ = {
    "exchange-2010.log": (head(OLD_FIELDS) + line(OLD_FIELDS) * 2, 2, 0, 0),
    "back-end.log": (head() + ping(blob=LATER, cs_uri_stem=BACK_END) * 2, 2, 0, 0),
    "blank-in-the-query.log": (head() + ping(blob="V141_Hb600_Msg:two words_"), 1, 1, 0),
    "advanced-logging.log": (ADVANCED, 1, 0, 0),
    "packed-queries.log": (
        head() + line(cs_uri_query=PACKED) + line(cs_uri_query=f"{PACKED}&Log=V141_Hb480_"), 2, 0, 0,
    ),
    "nobody-came.log": (head(), 0, 0, 0),
    "few-fields.log": (head(FEW_FIELDS) + line(FEW_FIELDS), 1, 0, 0),
    "fields-change.log": (head() + line() + head(OLD_FIELDS) + line(OLD_FIELDS), 2, 0, 0),
    "line-feeds-and-returns.log": ((head() + line(time="08:11:00")).replace("\n", "\r\n"), 1, 0, 0),
    "ends-in-zeros.log": ((head() + line(time="08:12:00")).encode() + bytes(4096), 1, 0, 0),
    "cut-off.log": (head() + line(time="08:13:00") + line()[:60], 1, 0, 1),
    "utf-16.log": ((head() + line(time="08:16:00")).encode("utf-16"), 1, 0, 0),
    "utf-8-with-mark.log": ((head() + line(time="08:14:00")).encode("utf-8-sig"), 1, 0, 0),
    "ansi.log": ((head() + line(cs_username="EXAMPLE\\j\u00fcrgen")).encode("cp1252"), 1, 0, 0),
    "packed.log.gz": (gzip.compress((head() + line(time="08:15:00")).encode()), 1, 0, 0),
    "HttpProxy_2030010208-1.LOG": (HTTPPROXY, 1, 0, 0),
    "httperr1.log": ("#Fields: date time c-ip s-reason\n2030-01-02 08:00:00 192.0.2.7 Timer_EntityBody\n", 1, 0, 0),
    "wevtutil.xml": (XML, 1, 0, 0),
    "get-winevent.json": (JSON, 1, 0, 0),
    "viewer.txt": (VIEWER, 1, 0, 0),
    "viewer.csv": (TABLE, 1, 0, 0),
    "syslog.txt": (f"Jan  2 10:21:00 ex1 ActiveSync: 1040: {SAYS.format(490)}\n", 1, 0, 0),
}  # fmt: skip
"""What is in the file, how many of its lines are taken, and how many of them are mended and not understood."""

REFUSED = {
    "no-head.log": (
        line(),
        "copy that line from another log of the same site to its top",
    ),
    "a-table.csv": ('"date","time","cs-method"\n"2030-01-02","08:00:00","POST"\n', "give the log as IIS wrote it"),
    "another-proxy.json": ('{"ClientAddr":"198.51.100.7:1","DownstreamStatus":408}\n', "give what Get-WinEvent"),
    "all-sites.ibl": (b"\x01\x02", "which only Log Parser reads"),
    "trace.etl": (b"\x01\x02", "pktmon etl2pcap"),
}


def test_every_kind_of_file_is_read_or_refused(tmp_path):
    for name, (data, *_) in {**READ, **REFUSED}.items():
        write(tmp_path / name, data)
    evidence = Logs([tmp_path]).run()
    found = {source.path.rpartition("/")[2]: source for source in evidence.sources}
    assert {name: [one.requests, one.mended, one.bad] for name, one in found.items()} == {
        name: counts for name, (_, *counts) in READ.items()
    }
    refused = {one.path.rpartition("/")[2]: one.reason for one in evidence.not_read}
    assert refused.keys() == REFUSED.keys()
    for name, (_, mend) in REFUSED.items():
        assert mend in refused[name] and "\n" not in refused[name], name
    assert len(evidence.events) == 5
