import re
from dataclasses import replace
from urllib.parse import unquote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.request_records import PLAIN, QUIET_PING

from hbprobe.eas.iis_log import (
    FIELDS,
    FORWARDED_FIELDS,
    HTTPERR_FIELDS,
    LogFolder,
    file_name,
    head,
    httperr_head,
    httperr_line,
    log_lines,
)
from hbprobe.eas.log_blob import Site, log_blob
from hbprobe.eas.releases import Release
from hbprobe.eas.request_record import Access

SITE = Site("192.0.2.10", "MB1")
GUID = "00000000-0000-4000-8000-000000000001"
REFUSED_PING = replace(
    QUIET_PING, ended_s=0.131, heartbeat_s=None, expired=False, folders=(), command_status=5, error="Ping.HbiTooLow"
)
STRANGER = replace(QUIET_PING, ended_s=0.1, status=401, user=None, command=None, version=None, access=None)


def utc(at_s):
    minutes, seconds = divmod(at_s, 60)
    return f"2030-01-02 07:{50 + int(minutes) if minutes < 10 else '00'}:{seconds:06.3f}".replace("07:00", "08:00")


def blob(record, release):
    return log_blob(record, release, SITE, utc)


def lines(record, release):
    return dict(log_lines(record, release, SITE, utc, GUID))


def read(line):
    """Read a line as any tool does that goes by #Fields."""
    values = line.split(" ")
    assert len(values) == len(FIELDS.split())
    return dict(zip(FIELDS.split(), values, strict=True))


def elements(query):
    """Read the last blob of a query: names and values, in either dialect."""
    found = query.rpartition("&Log=")[2]
    assert found.endswith("_")
    pattern = re.compile(r"(SC1|Ver1|[A-Za-z]+):?(.*)")
    return [(match[1], match[2]) for match in map(pattern.fullmatch, found[:-1].split("_"))]


# The blob


@pytest.mark.parametrize(
    ("release", "wanted"),
    [
        (Release.V2007, "V141_Fc2_Fid:5_Fid:6_Hb600_Rto1_S1_"),
        (Release.V2010, "V141_Fc2_Fid:5_Fid:6_Hb600_Rto1_S1_As:AllowedG_Mbx:MB1_Throttle0_"),
        (
            Release.V2013,
            (
                "V141_HH:mail.example.test_Fc2_Fid:5_Fid:6_Hb600_Rto1_S1_Erq1_Fet600000_As:AllowedG_Mbx:MB1_Throttle0_"
                "TmRcv07:50:00.100_TmCmpl08:00:00.100_"
            ),
        ),
        (
            Release.V2016,
            (
                "SC1:1_PrxFrom:192.0.2.10_Ver1:141_HH:mail.example.test_Fc:2_Fid:5_Fid:6_Hb:600_Rto:1_Erq:1_Fet:600000_"
                "As:AllowedG_Mbx:MB1_Throttle:0_TmRcv:07:50:00.100_TmCmpl:08:00:00.100_"
            ),
        ),
    ],
)
def test_a_quiet_ping_in_each_dialect(release, wanted):
    assert blob(QUIET_PING, release) == wanted


def test_2016_and_2019_are_alike():
    assert blob(QUIET_PING, Release.V2016) == blob(QUIET_PING, Release.V2019)


def test_a_refused_ping_has_an_error_and_no_heartbeat():
    assert blob(REFUSED_PING, Release.V2010) == "V141_E1_S5_Error:Ping.HbiTooLow_As:AllowedG_Mbx:MB1_Throttle0_"
    found = dict(elements("&Log=" + blob(REFUSED_PING, Release.V2019)))
    assert (found["SC1"], found["Error"], found["Fet"]) == ("5", "Ping.HbiTooLow", "31")
    assert not {"Hb", "Rto", "E", "S"} & found.keys()


def test_a_ping_that_mail_ends_has_no_rto():
    assert "Rto" not in blob(replace(QUIET_PING, expired=False, command_status=2), Release.V2010)


@pytest.mark.parametrize(
    ("access", "by_rule", "said"),
    [
        (Access.ALLOW, False, "AllowedG"),
        (Access.BLOCK, True, "BlockedR"),
        (Access.QUARANTINE, False, "QuarantinedG"),
    ],
)
def test_what_becomes_of_the_device(access, by_rule, said):
    assert f"_As:{said}_" in blob(replace(QUIET_PING, access=access, by_rule=by_rule), Release.V2010)


def test_an_address_is_named_without_at_sign_and_underscore():
    record = replace(QUIET_PING, user="a_lice@example.test")
    assert "_SmtpAdrs:a%5Flice%40example.test_" in blob(record, Release.V2019)


def test_options_have_no_version():
    record = replace(QUIET_PING, method="OPTIONS", query="", version=None, command=None, heartbeat_s=None, folders=())
    record = replace(record, access=None, command_status=None, expired=False)
    query = read(lines(record, Release.V2010)[LogFolder.CLIENT_FACING])["cs-uri-query"]
    assert query == "&Log=V0_Mbx:MB1_Throttle0_"


# The lines


def test_until_2010_there_is_one_line_with_everything():
    found = lines(QUIET_PING, Release.V2010)
    assert list(found) == [LogFolder.CLIENT_FACING]
    assert found[LogFolder.CLIENT_FACING] == (
        "2030-01-02 08:00:00 192.0.2.10 POST /Microsoft-Server-ActiveSync/default.eas "
        f"{PLAIN}&Log=V141_Fc2_Fid:5_Fid:6_Hb600_Rto1_S1_As:AllowedG_Mbx:MB1_Throttle0_ "
        "443 EXAMPLE\\alice 198.51.100.7 Apple-iPhone0C0/0000.1 - 200 0 0 600000"
    )


def test_since_2013_the_front_end_writes_a_line_of_its_own():
    found = lines(QUIET_PING, Release.V2019)
    assert list(found) == [LogFolder.CLIENT_FACING, LogFolder.BACK_END]
    assert found[LogFolder.CLIENT_FACING] == (
        "2030-01-02 08:00:00 192.0.2.10 POST /Microsoft-Server-ActiveSync/default.eas "
        f"{PLAIN}&CorrelationID=<empty>;&ClientId=MB1&cafeReqId={GUID}; "
        "443 EXAMPLE\\alice 198.51.100.7 Apple-iPhone0C0/0000.1 - 200 0 0 600000"
    )
    back_end = read(found[LogFolder.BACK_END])
    assert back_end["cs-uri-stem"] == "/Microsoft-Server-ActiveSync/Proxy/default.eas"
    assert (back_end["s-port"], back_end["c-ip"]) == ("444", "192.0.2.10")
    assert back_end["cs-uri-query"] == f"{PLAIN}&Log={blob(QUIET_PING, Release.V2019)}"


def test_2003_writes_no_blob():
    assert read(lines(QUIET_PING, Release.V2003)[LogFolder.CLIENT_FACING])["cs-uri-query"] == PLAIN


def test_a_user_without_activesync_is_known_to_exchange():
    record = replace(STRANGER, status=403, error="UserDisabledForSync")
    assert "_Error:UserDisabledForSync_" in lines(record, Release.V2019)[LogFolder.BACK_END]


@pytest.mark.parametrize("release", list(Release))
def test_who_does_not_get_to_exchange_is_known_to_the_front_end_alone(release):
    found = lines(STRANGER, release)
    assert list(found) == [LogFolder.CLIENT_FACING]
    fields = read(found[LogFolder.CLIENT_FACING])
    assert (fields["sc-status"], fields["cs-username"]) == ("401", "-")
    assert "&Log=" not in fields["cs-uri-query"]


def test_a_client_that_is_gone_is_error_64():
    found = read(lines(replace(QUIET_PING, is_delivered=False), Release.V2010)[LogFolder.CLIENT_FACING])
    assert (found["sc-status"], found["sc-win32-status"], found["time-taken"]) == ("200", "64", "600000")


def test_a_front_ends_line_ends_early_where_its_client_is_gone():
    gone = replace(QUIET_PING, is_delivered=False, gone_s=QUIET_PING.started_s + 300)
    front, back = (read(line) for line in lines(gone, Release.V2019).values())
    assert (front["sc-win32-status"], front["time-taken"]) == ("64", "300000")
    assert (back["sc-win32-status"], back["time-taken"]) == ("0", "600000")


def test_what_filtering_refuses_has_a_substatus():
    found = lines(replace(STRANGER, status=404, substatus=19), Release.V2019)
    assert list(found) == [LogFolder.CLIENT_FACING]
    found = read(found[LogFolder.CLIENT_FACING])
    assert (found["sc-status"], found["sc-substatus"]) == ("404", "19")


def test_nothing_to_say_is_a_hyphen():
    record = replace(STRANGER, query="", user_agent="")
    found = read(lines(record, Release.V2010)[LogFolder.CLIENT_FACING])
    assert (found["cs-uri-query"], found["cs(User-Agent)"], found["cs(Referer)"]) == ("-", "-", "-")


def test_a_space_is_a_plus():
    record = replace(QUIET_PING, user_agent="Überphone 1.0\t(x\r\ny)")
    found = read(lines(record, Release.V2010)[LogFolder.CLIENT_FACING])
    assert found["cs(User-Agent)"] == "Überphone+1.0+(x++y)"


def test_a_query_keeps_its_escapes():
    record = replace(QUIET_PING, query="User=a%20b&x=ä \r\n")
    query = read(lines(record, Release.V2003)[LogFolder.CLIENT_FACING])["cs-uri-query"]
    assert query == "User=a%20b&x=%C3%A4%20%0D%0A"


# The file


def test_the_head():
    assert head(Release.V2019, "2030-01-02 00:00:00") == (
        "#Software: Microsoft Internet Information Services 10.0\n"
        "#Version: 1.0\n"
        "#Date: 2030-01-02 00:00:00\n"
        f"#Fields: {FIELDS}\n"
    )
    assert head(Release.V2010, "x").startswith("#Software: Microsoft Internet Information Services 7.5\n")


def test_a_day_has_a_file():
    assert file_name("2030-01-02") == "u_ex300102.log"


# Whoever writes to it

ANY = st.text() | st.text(st.sampled_from(" \t\r\n\0\x85\u2028\u00a0_&=#:ä\udcff"), max_size=30)


@given(
    st.sampled_from([release for release in Release if release is not Release.V2003]),
    st.builds(
        lambda user_agent, query, user, host, method, error: replace(
            QUIET_PING, user_agent=user_agent, query=query, user=user, host=host, method=method, error=error
        ),
        ANY, ANY, ANY, ANY, ANY, ANY,
    ),
)  # fmt: skip
def test_nobody_can_forge_a_line_a_field_or_an_element(release, record):
    written = list(lines(record, release).values())
    for line in written:
        assert line.splitlines() == [line] and line.split() == line.split(" ")
        assert read(line)["sc-status"] == "200"
        line.encode()
    found = elements(read(written[-1])["cs-uri-query"])
    names = [name for name, _ in found]
    assert names.count("Hb") == names.count("Error") == 1
    assert dict(found)["Hb"] == "600"
    assert unquote_plus(dict(found)["Error"]) == record.error.encode(errors="replace").decode()


@pytest.mark.parametrize("release", [Release.V2010, Release.V2019])
def test_a_balancers_address_and_behind_it_the_clients(release):
    found = dict(log_lines(QUIET_PING, release, SITE, utc, GUID, "192.0.2.1"))
    line, plain = found[LogFolder.CLIENT_FACING], lines(QUIET_PING, release)[LogFolder.CLIENT_FACING]
    named = dict(zip(FORWARDED_FIELDS.split(), line.split(" "), strict=True))
    assert (named["c-ip"], named["X-Forwarded-For"]) == ("192.0.2.1", "198.51.100.7")
    assert line == plain.replace("198.51.100.7", "192.0.2.1") + " 198.51.100.7"
    if release is Release.V2019:
        assert found[LogFolder.BACK_END] == lines(QUIET_PING, release)[LogFolder.BACK_END]


@pytest.mark.parametrize(("gone_s", "time"), [(None, "08:00:00"), (300.1, "07:55:00")])
def test_httperr_tells_of_a_client_that_was_gone(gone_s, time):
    gone = replace(QUIET_PING, is_delivered=False, gone_s=gone_s, peer_port=50001, query="Cmd=Ping&User=a b")
    assert httperr_line(gone, SITE, utc, gone.peer) == (
        f"2030-01-02 {time} 198.51.100.7 50001 192.0.2.10 443 HTTP/1.1 POST "
        "/Microsoft-Server-ActiveSync?Cmd=Ping&User=a%20b - 1 Connection_Dropped MSExchangeSyncAppPool"
    )
    assert httperr_line(replace(gone, is_delivered=True), SITE, utc, gone.peer) is None
    assert HTTPERR_FIELDS in httperr_head("2030-01-02 08:00:00")
