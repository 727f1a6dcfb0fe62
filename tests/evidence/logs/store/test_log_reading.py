import gzip

import pytest
from support.iis import FIELDS, head, line, ping, write
from support.log_stores import rows, store_in, taken

from hbprobe.evidence.logs.lines.log_sources import LogSource


def test_a_line_with_everything(tmp_path):
    fields = FIELDS + " sc-bytes cs-bytes s-computername s-sitename cs-host X-Forwarded-For"
    blob = "V141_Fc1_Fid:5_Hb600_Rto1_S1_Fet600000_Pa1_As:BlockedP_Mbx:MB1_Throttle25_Budget:(D)Conn%3a0_"
    text = ping(
        fields=fields, blob=blob, sc_bytes=313, cs_bytes=612, cs_host="mail.example.test", sc_win32_status=2148074254,
        X_Forwarded_For="203.0.113.5,+198.51.100.7", s_sitename="W3SVC2",
    )  # fmt: skip
    read, (row,) = taken(tmp_path, head(fields) + text)
    assert (read.lines, read.requests, read.bad) == (1, 1, 0)
    wanted = {
        "ended_ms": 1893571800000, "started_ms": 1893571199987, "took_ms": 600013, "role": "client", "server": "EX1",
        "site": "W3SVC2", "server_ip": "192.0.2.10", "port": 443, "host": "mail.example.test",
        "client": "198.51.100.7",
        "forwarded_for": "203.0.113.5", "method": "POST", "command": "Ping", "user_name": "alice",
        "user_raw": "alice",
        "login": "EXAMPLE\\alice", "device": "SYNTH01", "device_type": "iPhone",
        "user_agent": "Apple-iPhone0C0/0000.1",
        "status": 200, "substatus": 0, "win32": 2148074254, "bytes_out": 313, "bytes_in": 612, "protocol": 141,
        "command_status": 1, "heartbeat_s": 600, "is_expired": True, "throttle_ms": 25,
        "policy_ack": 1,
        "access": "BlockedP", "mailbox_server": "MB1", "is_blob_cut": False, "query": None, "error": None,
    }  # fmt: skip
    assert {name: row[name] for name in wanted} == wanted


def test_one_user_has_many_names(tmp_path):
    names = ["EXAMPLE%5Calice", "EXAMPLE\\alice", "alice@example.test", "Alice", "alice%40example.test"]
    _, found = taken(tmp_path, head() + "".join(ping(user=user) for user in names))
    assert [row["user_name"] for row in found] == ["alice"] * len(names)


def test_a_percent_sign_that_is_not_escaped(tmp_path):
    _, (row,) = taken(tmp_path, head() + ping(user="User%domain.com"))
    assert row["user_raw"] == "User%domain.com"


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_each_line_end_has_its_places(tmp_path, end):
    text = (head() + ping() + "broken\n" + ping(blob="V141_Msg:a b_Hb600_") + "\n" + "b x\n" + ping()).replace(
        "\n", end
    )
    read, _ = taken(tmp_path, text)
    assert [(bad.line, bad.offset) for bad in read.bad_lines] == [(6, text.index("broken")), (9, text.index("b x"))]
    assert (read.requests, read.mended, read.bad) == (3, 1, 2)


ENDS = {
    "one LF among CRLF": lambda text: text.replace("\n", "\r\n").replace("\r\n", "\n", 5).replace("\n", "\r\n", 4),
    "one CRLF among LF": lambda text: text[:-1] + "\r\n",
    "CRLF behind a head with LF": lambda text: head() + text.removeprefix(head()).replace("\n", "\r\n"),
    "the head LF, lines CRLF": lambda text: head() + text.removeprefix(head()).replace("\n", "\r\n"),
    "the head CRLF, lines LF": lambda text: head().replace("\n", "\r\n") + text.removeprefix(head()),
    "the first LF, others CRLF": lambda text: text.replace("\n", "\r\n").replace("\r\n", "\n", 1),
    "the last LF, others CRLF": lambda text: text.replace("\n", "\r\n").removesuffix("\r\n") + "\n",
    "empty lines, differently": lambda text: text.replace("\n", "\r\n\n").replace("\n\n", "\n", 4),
    "CR twice": lambda text: text.replace("\n", "\r\r\n"),
    "CR within a value, LF": lambda text: text.replace("Agent/", "Ag\rent/"),
    "CR within a value, CRLF": lambda text: text.replace("\n", "\r\n").replace("Agent/", "Ag\rent/"),
}


@pytest.mark.parametrize("name", ENDS)
def test_lines_may_end_differently(tmp_path, name):
    agent = {"cs(User-Agent)": "Agent/1"}
    lines = [ping(device=f"D{number}", **agent) for number in range(3)]
    text = ENDS[name](head() + lines[0] + lines[1] + "broken\n" + lines[2])
    read, found = taken(tmp_path, text)
    assert [row["device"] for row in found] == ["D0", "D1", "D2"]
    assert {row["user_agent"] for row in found} == {"Ag ent/1" if "within" in name else "Agent/1"}
    line_of = text[: text.index("broken")].count("\n") + 1
    assert [(bad.line, bad.offset) for bad in read.bad_lines] == [(line_of, text.index("broken"))]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_places_are_right_in_a_log_without_dates_and_at_its_end(tmp_path, end):
    fields = FIELDS.replace("date ", "")
    lines = [ping(fields=fields), "\n", "broken\n", ping(fields=fields), "cut off"]
    text = (head(fields) + "".join(lines)).replace("\n", end)
    read, found = taken(tmp_path, text)
    places = [(bad.line, bad.offset, bad.reason) for bad in read.bad_lines]
    assert places == [
        (7, text.index("broken"), "too few fields"),
        (9, text.index("cut off"), "the end of the line is missing"),
    ]
    assert (len(found), read.bad) == (2, 2)


def test_a_line_end_within_a_value_makes_two_lines_that_are_not_understood(tmp_path):
    broken = ping(**{"cs(User-Agent)": "Ag\nent"})
    text = (head() + ping() + broken + ping()).replace("\n", "\r\n").replace("Ag\r\n", "Ag\n")
    read, found = taken(tmp_path, text)
    assert (len(found), read.bad) == (2, 2)
    assert [bad.offset for bad in read.bad_lines] == [
        text.index("Ag\n") - len(broken.partition("Ag")[0]),
        text.index("ent "),
    ]


@pytest.mark.parametrize("by_day", [True, False])
def test_a_number_too_large_is_none(tmp_path, by_day):
    fields = FIELDS + " sc-bytes cs-bytes"
    huge = str(2**64 - 1)
    names = ("sc-win32-status", "sc-bytes", "cs-bytes")
    odd = [
        *(ping(fields=fields, **{name: huge}) for name in names),
        *(ping(fields=fields, time_taken=took) for took in (2**63 - 1, 10**12, -5)),
        *(ping(fields=fields, blob=f"V141_Hb{asked}_Throttle{huge}_") for asked in (3_000_000, 2**31 - 1, huge)),
        *(ping(fields=fields, date=day) for day in ("infinity", "290000-01-01", "0001-01-01")),
    ]
    read, found = taken(tmp_path, head(fields) + "".join(odd) + ping(fields=fields), is_kept=by_day)
    assert len(found) + read.bad == len(odd) + 1 == read.lines
    assert {row["win32"] for row in found} == {0, None}
    assert {row["took_ms"] for row in found} == {600013, None}
    assert {row["heartbeat_s"] for row in found} == {600, None}


BEYOND = ("70000000000", str(2**63), str(2**64), "9" * 40)
HTTPERR = "date time c-ip c-port s-ip s-port cs-version cs-method cs-uri sc-status s-siteid s-reason s-queuename"


@pytest.mark.parametrize("query", ["Cmd=Ping&User=alice&DeviceId=X1", "Cmd=Ping&User=alice&DeviceId=X1&Log=a b"])
@pytest.mark.parametrize("software", ["Microsoft Internet Information Services 10.0", "IIS Advanced Logging Module"])
@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("s-port", "port"), ("sc-status", "status"), ("sc-substatus", "substatus"), ("sc-win32-status", "win32"),
        ("sc-bytes", "bytes_out"), ("cs-bytes", "bytes_in"), ("time-taken", "took_ms"),
    ],
)  # fmt: skip
def test_a_number_beyond_its_column_costs_no_line(tmp_path, query, software, name, column):
    fields = FIELDS + " sc-bytes cs-bytes"
    said = f'"{query}"' if "Advanced" in software else query
    agent = {"cs(User-Agent)": '"Agent a b"' if "Advanced" in software else "Agent"}
    odd = "".join(line(fields, **{name: number}, **agent, cs_uri_query=said) for number in BEYOND)
    read, found = taken(tmp_path, head(fields, software=software) + ping(fields=fields) + odd)
    assert (read.lines, read.requests, read.bad) == (5, 5, 0)
    assert read.mended == (4 if " " in query and said == query else 0)
    odd_rows = [row for row in found if row["device"] == "X1"]
    assert len(odd_rows) == 4 and {row["user_name"] for row in odd_rows} == {"alice"}
    assert {row[column] for row in odd_rows} <= {None, 70_000_000_000} and None in {row[column] for row in odd_rows}


@pytest.mark.parametrize("place", ["c-port", "s-port", "sc-status"])
def test_a_number_beyond_its_column_costs_no_line_of_httperr(tmp_path, place):
    values = "2030-01-02 08:00:00 192.0.2.1 5000 192.0.2.2 443 HTTP/1.1 POST /x 503 1 QueueFull Pool"
    odd = [
        value if name != place else str(2**64) for name, value in zip(HTTPERR.split(), values.split(), strict=True)
    ]
    read, _ = taken(tmp_path, f"#Fields: {HTTPERR}\n{values}\n{' '.join(odd)}\n")
    assert (read.lines, read.requests, read.bad) == (2, 2, 0)


@pytest.mark.parametrize(("name", "value"), [("time", "25:00:00"), ("date", "2030-02-30"), ("sc-status", "abc")])
def test_a_value_that_cannot_be_is_not_understood_with_a_blank_too_many_either(tmp_path, name, value):
    text = ping() + ping(**{name: value}) + ping(**{name: value}).replace(" 443 ", " 443  ")
    read, found = taken(tmp_path, head() + text)
    assert (read.lines, read.requests, read.bad, len(found)) == (3, 1, 2, 1)


def test_a_packed_query(tmp_path):
    packed, blob = "jRIJBAhTWU5USEI2NASH1hIABVBob25l", "&Log=V141_Hb480_Rto1_S1_"
    later = line(cs_uri_query=packed + blob, time="08:11:00")
    _, found = taken(tmp_path, head() + line(cs_uri_query=packed) + later)
    for row in found:
        parts = (row["command"], row["device"], row["device_type"], row["protocol"])
        assert parts == ("Ping", "SYNTHB64", "Phone", 141)
    assert [row["heartbeat_s"] for row in found] == [None, 480]


def test_a_blob_that_is_cut(tmp_path):
    blobs = ["V141_Hb60", "V141_Hb600_", "V141_Hb600_Err"]
    lines = (ping(blob=blob, time=f"08:1{number}:00") for number, blob in enumerate(blobs))
    _, found = taken(tmp_path, head() + "".join(lines))
    assert [(row["is_blob_cut"], row["heartbeat_s"]) for row in found] == [(True, None), (False, 600), (True, 600)]


def test_two_servers_in_one_file(tmp_path):
    _, found = taken(tmp_path, head() + ping() + ping(s_ip="192.0.2.11", time="08:11:00"))
    assert [row["server"] for row in found] == ["192.0.2.10", "192.0.2.11"]


def test_lines_that_are_not_understood_are_counted_with_their_place(tmp_path):
    text = (
        head()
        + ping()
        + "2030-01-02 08:00:00 broken\n"
        + ping(sc_status="abc")
        + ping()
        + "\0" * 20
        + "\n"
        + ping(time="25:00:00")
    )
    read, found = taken(tmp_path, text)
    assert (read.lines, read.requests, read.bad, len(found)) == (6, 2, 4, 2)
    reasons = [(bad.line, bad.reason) for bad in read.bad_lines]
    assert reasons == [
        (6, "too few fields"), (7, "sc-status has no such value"), (9, "zeros, as a crash leaves them"),
        (10, "time has no such value"),
    ]  # fmt: skip
    for bad in read.bad_lines:
        assert text[: bad.offset].count("\n") + 1 == bad.line


@pytest.mark.parametrize("top", ["", "#Software: x\n#Date: 2030-01-02 00:00:00\n", "\0\0\0#Remark: x\n"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r\n\0\0\0"])
def test_lines_before_the_first_fields_are_counted_with_their_place(tmp_path, top, end):
    before = (ping() + "\n" + ping()).replace("\n", "\r\n").removesuffix("\r\n") + end
    read, found = taken(tmp_path, top + before + head() + ping())
    assert (read.lines, read.requests, read.bad, len(found)) == (4, 1, 3, 1)
    (bad,) = read.bad_lines
    assert (bad.line, bad.offset) == (top.count("\n") + 1, len(top))
    assert bad.reason == "no #Fields line before them: 3 lines"


@pytest.mark.parametrize("top", ["\n\n", "\0\0\n", " \r\n", "\x1a\n"])
def test_nothing_before_the_first_fields_is_no_line(tmp_path, top):
    read, _ = taken(tmp_path, "#Software: x\n" + top + head() + ping())
    assert (read.lines, read.requests, read.bad) == (1, 1, 0)


@pytest.mark.parametrize(("text", "count"), [("/x", "1 line"), ("/x\n/x", "2 lines")])
def test_a_last_line_without_an_end_is_counted_among_lines_without_a_time(tmp_path, text, count):
    read, _ = taken(tmp_path, head() + ping() + head("cs-uri-stem") + text)
    assert (read.bad, read.bad_lines[0].reason) == (read.lines - 1, f"no time among the fields: {count}")


def test_places_are_right_after_a_change_of_fields_too(tmp_path):
    text = head() + ping() + head("date time cs-uri-stem") + "2030-01-02 08:00:00 /x\nbroken\n"
    read, _ = taken(tmp_path, text)
    (bad,) = read.bad_lines
    assert (bad.line, bad.offset) == (text[: text.index("broken")].count("\n") + 1, text.index("broken"))


def test_a_blank_too_many_is_mended_and_counted(tmp_path):
    text = head() + ping(blob="V141_Msg:a b_Hb600_") + ping().replace(" 443 ", " 443  ")
    read, found = taken(tmp_path, text)
    assert (read.mended, read.bad, len(found)) == (2, 0, 2)
    assert {row["heartbeat_s"] for row in found} == {600}


def test_a_last_line_without_an_end_loses_its_last_value(tmp_path):
    read, (row,) = taken(tmp_path, head() + ping().strip())
    assert (row["took_ms"], row["started_ms"], read.bad) == (None, None, 0)
    read, found = taken(tmp_path, head() + ping() + ping()[:80])
    assert (len(found), read.bad, read.bad_lines[0].reason) == (1, 1, "the end of the line is missing")


def test_without_time_taken_there_is_no_start(tmp_path):
    fields = FIELDS.removesuffix(" time-taken")
    _, (row,) = taken(tmp_path, head(fields) + ping(fields=fields))
    assert row["took_ms"] is None and row["started_ms"] is None


def test_quotes_are_no_quotes(tmp_path):
    _, (row,) = taken(tmp_path, head() + ping(**{"cs(User-Agent)": '"Agent+"x'}))
    assert row["user_agent"] == '"Agent "x'


def test_advanced_logging_quotes_and_calls_fields_otherwise(tmp_path):
    fields = "date-local time-local s-ip cs-uri-stem cs-uri-query cs-method c-ip cs(User-Agent) sc-status TimeTakenMS"
    text = (
        "2030-01-02 08:10:00.502 192.0.2.10 /Microsoft-Server-ActiveSync/default.eas "
        '"User=a&DeviceId=X1&DeviceType=T&Cmd=Ping" POST 198.51.100.7 "Agent (a b)" 200 600010\n'
    )
    read, (row,) = taken(tmp_path, head(fields, software="IIS Advanced Logging Module") + text)
    assert read.is_local_time
    assert (row["user_agent"], row["took_ms"], row["command"]) == ("Agent (a b)", 600010, "Ping")


ADVANCED = "date-local time-local s-ip cs-uri-stem cs-uri-query cs-method c-ip cs(User-Agent) sc-status TimeTakenMS"


def advanced(device, agent):
    """Return a line of Advanced Logging."""
    query = f'"User=a&DeviceId={device}&DeviceType=T&Cmd=Ping"'
    stem = "/Microsoft-Server-ActiveSync/default.eas"
    return f"2030-01-02 08:10:00.502 192.0.2.10 {stem} {query} POST 198.51.100.7 {agent} 200 600010\n"


@pytest.mark.parametrize("again", ["#Remark: x\n", f"#Date: 2030-01-02 09:00:00\n#Fields: {ADVANCED}\n"])
def test_a_head_that_does_not_name_its_software_goes_on_as_before(tmp_path, again):
    top = head(ADVANCED, software="IIS Advanced Logging Module")
    read, found = taken(tmp_path, top + advanced("A", '"Agent (a b)"') + again + advanced("B", '"Agent (a b)"'))
    assert (read.bad, {row["device"]: row["user_agent"] for row in found}) == (0, dict.fromkeys("AB", "Agent (a b)"))


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize(
    ("agent", "read_as"),
    [
        ('"Agent (a b)', None),
        ('"Agent "(a b)"', None),
        ('"Agent"s (a b)', None),
        ('Agent" "(a b)', None),
        ('"Agent', "Agent"),
        ('Age"nt', 'Age"nt'),
        ('"', None),
    ],
)
def test_a_quote_without_its_end_takes_no_other_line(tmp_path, end, agent, read_as):
    texts = [
        advanced("X1", '"Agent (a b)"'),
        advanced("X2", agent),
        advanced("X3", "Agent/3"),
        advanced("X4", '"A b"'),
    ]
    text = (head(ADVANCED, software="IIS Advanced Logging Module") + "".join(texts)).replace("\n", end)
    read, found = taken(tmp_path, text)
    agents = {row["device"]: row["user_agent"] for row in found}
    others = {"X1": "Agent (a b)", "X3": "Agent/3", "X4": "A b"}
    assert agents == others | ({} if read_as is None else {"X2": read_as})
    assert (read.lines, read.requests + read.bad) == (4, 4)
    second = end.join(text.split(end)[:5]) + end
    places = [] if read_as is not None else [(6, len(second))]
    assert [(one.line, one.offset) for one in read.bad_lines] == places


PROXY = "DateTime,Protocol,UrlStem,UrlQuery,HttpStatus,TotalRequestTime,ClientIpAddress,UserAgent,GenericErrors"


def proxied(device, **values):
    named = {
        "DateTime": "2030-01-02T08:10:00.041Z", "Protocol": "Eas", "UrlStem": "/Microsoft-Server-ActiveSync",
        "UrlQuery": f"?Cmd=Ping&DeviceId={device}", "HttpStatus": "200", "TotalRequestTime": "5",
        "ClientIpAddress": "192.0.2.1", **values,
    }  # fmt: skip
    return ",".join(named.get(name, "") for name in PROXY.split(",")) + "\r\n"


ODD_PROXIED = {
    "a quote without its end": (proxied("ODD", GenericErrors='"open'), None),
    "a quote without its end, and a comma": (proxied("ODD", GenericErrors='"a, b'), "too many fields"),
    "a comma in quotes": (proxied("ODD", UserAgent='"A, ""b"""'), None),
    "no time": (proxied("ODD", DateTime="soon"), "datetime has no such value"),
    "a time that does not exist": (proxied("ODD", DateTime="2030-01-02T25:10:00Z"), "datetime has no such value"),
    "few": (proxied("ODD")[:60] + "\r\n", "too few fields"),
    "many": (proxied("ODD").strip() + ",1,2\r\n", "too many fields"),
    "ends of lines that are none here": (proxied("ODD", UserAgent="a\x0bb\u2028c\x85d"), None),
    "a number beyond all types": (proxied("ODD", HttpStatus="9" * 30, TotalRequestTime=str(2**64)), None),
}


@pytest.mark.parametrize("name", ODD_PROXIED)
@pytest.mark.parametrize("top", ["#Fields: {}\r\n", "{0}\r\n#Software: X\r\n#Fields: {0}\r\n{0}\r\n"])
def test_a_line_of_httpproxy_is_read_or_told_with_its_place(tmp_path, name, top):
    odd, reason = ODD_PROXIED[name]
    text = top.format(PROXY) + proxied("D0") + proxied("D1", Protocol="Owa") + odd + proxied("D2")
    read, found = taken(tmp_path, text)
    assert {row["device"] for row in found} == {"D0", "D2"} | ({"ODD"} if reason is None else set())
    assert (read.lines, read.bad) == (4, 0 if reason is None else 1)
    place = len(text.partition(odd)[0].encode())
    told = [] if reason is None else [(text[: text.index(odd)].count("\n") + 1, place, reason)]
    assert [(one.line, one.offset, one.reason) for one in read.bad_lines] == told


@pytest.mark.parametrize("more", [",", ",,", ',X-"a"', ",it's", ',"'])
def test_any_name_of_a_field_is_one(tmp_path, more):
    last = proxied("LAST", UserAgent='"A, b"').strip() + "," * more.count(",")
    text = f"#Fields: {PROXY}{more}\r\n" + proxied("D0").strip() + "," * more.count(",") + "\r\n" + last
    read, found = taken(tmp_path, text)
    assert (read.lines, read.requests, {row["device"] for row in found}) == (2, 2, {"D0", "LAST"})


def test_the_last_line_of_httpproxy_may_be_cut_anywhere(tmp_path):
    whole, last = f"#Fields: {PROXY}\r\n" + proxied("D0"), proxied("LAST", UserAgent='"A, b"', GenericErrors="x=1")
    with store_in(tmp_path / "store") as (store, connection):
        for cut in range(1, len(last) - 1, 4):
            read = store.take(LogSource(write(tmp_path / f"{cut}.log", whole + last[:cut])))
            assert (read.lines, read.requests + read.bad) == (2, 2)
        found = rows(store, connection)
    assert {row["took_ms"] for row in found} == {5} and {row["device"] for row in found} == {"D0", "LAST"}


@pytest.mark.parametrize("more", ["", "&cafeReqId=1;"])
@pytest.mark.parametrize("padding", ["", "=", "%3D"])
def test_a_packed_query_in_httpproxys_log(tmp_path, padding, more):
    packed = "jRIJBAdTWU5USEI2AAVQaG9uZQ"
    line_of = proxied("X", UrlQuery=f"?{packed}{padding * 2}{more}")
    _, (row,) = taken(tmp_path, f"#Fields: {PROXY}\r\n{line_of}")
    assert (row["command"], row["device"], row["device_type"]) == ("Ping", "SYNTHB6", "Phone")


def test_columns_of_httpproxy_may_change_in_the_middle(tmp_path):
    moment, *others = PROXY.split(",")
    turned = ",".join([moment, *reversed(others)])
    at, *values = proxied("D1").strip().split(",")
    line_turned = ",".join([at, *reversed(values)])
    read, found = taken(tmp_path, f"#Fields: {PROXY}\r\n{proxied('D0')}#Fields: {turned}\r\n{line_turned}\r\n")
    assert sorted((row["device"], row["took_ms"], row["status"]) for row in found) == [("D0", 5, 200), ("D1", 5, 200)]
    assert (read.lines, read.bad) == (2, 0)


def test_other_lines_are_counted_and_left(tmp_path):
    read, found = taken(tmp_path, head() + line(cs_uri_stem="/owa") + ping())
    assert (read.lines, read.requests, len(found)) == (2, 1, 1)


# What is kept


def test_what_follows_a_packed_log_is_left_out_and_told(tmp_path):
    data = (head() + ping() * 3).encode()
    for left in (b"g", b"garbage" * 9, b"x" * 100_000):
        with store_in(tmp_path / "store") as (store, _):
            read = store.take(LogSource(write(tmp_path / "a.log.gz", gzip.compress(data) + left)))
        assert (read.lines, read.requests, read.bad) == (3, 3, 1)
        assert read.bad_lines[0].offset == len(data)
        assert read.bad_lines[0].reason == "bytes that are no gzip follow the log: they are left out"
