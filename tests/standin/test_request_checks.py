"""Who gets in, what makes a request, and how many are too many."""

import base64

import pytest

from hbprobe.eas.commands import FolderSyncRequest
from hbprobe.eas.query import Query
from hbprobe.eas.releases import Release
from hbprobe.standin.admin_rules import AdminRules
from hbprobe.standin.messages import WBXML, ClientRequest
from hbprobe.standin.users import Users

INBOX = "5"
USERS = Users(users={"alice": "secret", "Bob": "pässwort: long"})


def basic(text):
    return "Basic " + base64.b64encode(text.encode()).decode()


def plain(**changes):
    said = {"command": "Ping", "user": "alice", "device_id": "D1", "device_type": "Phone"} | changes
    return Query(**said).plain()


def request(query=None, *, method="POST", body=b"", authorization=None, **headers):
    said = {name.replace("_", "-"): value for name, value in headers.items()}
    said.setdefault("ms-asprotocolversion", "14.1")
    query = plain() if query is None else query
    return ClientRequest(method, query, said, basic("alice:secret") if authorization is None else authorization, body)


@pytest.mark.parametrize("authorization", ["", basic("alice:wrong"), basic("eve:secret")])
@pytest.mark.parametrize("method", ["POST", "OPTIONS", "GET"])
def test_strangers_get_401(make_server, authorization, method):
    turn = make_server(users=USERS).take(request(method=method, authorization=authorization))
    assert turn.answer.status == 401
    assert turn.answer.header("www-authenticate") == 'Basic realm="hbprobe serve"'
    assert turn.user is None


def test_without_users_every_name_is_let_in_but_a_name_there_must_be(make_server):
    server = make_server()
    assert server.take(request(authorization=basic("eve:x"))).answer.status == 200
    assert server.take(request(authorization="")).answer.status == 401


def test_no_password_reaches_what_is_shown(make_server):
    server = make_server(users=USERS)
    turn = server.take(request(authorization=basic("alice:secret")))
    assert basic("alice:secret").removeprefix("Basic ") not in repr(turn) + repr(server.recent.requests)


def test_a_disabled_user(make_server):
    server = make_server(rules={"disabled_users": ["Alice"]})
    for method in ("OPTIONS", "POST"):
        turn = server.take(request(method=method))
        assert (turn.answer.status, turn.error) == (403, "UserDisabledForSync")
    assert server.take(request(authorization=basic("bob:x"))).answer.status == 200


@pytest.mark.parametrize(
    ("release", "versions"),
    [
        ("2003", "2.5"),
        ("2007", "2.5,12.0,12.1"),
        ("2010", "2.5,12.0,12.1,14.0,14.1"),
        ("2013", "2.5,12.0,12.1,14.0,14.1"),
        ("2016", "2.5,12.0,12.1,14.0,14.1,16.0,16.1"),
        ("2019", "2.5,12.0,12.1,14.0,14.1,16.0,16.1"),
    ],
)
def test_options(make_server, release, versions):
    answer = make_server(release=Release(release)).take(request("", method="OPTIONS")).answer
    assert (answer.status, answer.body) == (200, b"")
    assert answer.header("MS-ASProtocolVersions") == versions
    assert answer.header("MS-ASProtocolCommands") == "Sync,FolderSync,Ping,Provision,Settings"
    assert answer.header("Public") == answer.header("Allow") == "OPTIONS,POST"


def test_a_packed_query_brings_version_and_key(make_server, make_phone):
    server = make_server()
    phone = make_phone(server).ready()
    query = Query("FolderSync", "", "PHONE1", "Phone", "14.0", int(phone.key)).base64()
    turn = server.take(
        ClientRequest("POST", query, {"content-type": WBXML}, basic("alice:x"), FolderSyncRequest("0").encode())
    )
    assert (turn.answer.status, turn.version, turn.policy_key) == (200, "14.0", int(phone.key))
    assert turn.command_status == 1


WRONG = [
    (request("Cmd=Ping"), 400, b"no DeviceId\n"),
    (request("!!"), 400, b"the query is neither names and values nor base64\n"),
    (request(ms_asprotocolversion=""), 400, b"protocol version '' is unknown\n"),
    (request(ms_asprotocolversion="1.0"), 400, b"protocol version '1.0' is unknown\n"),
    (request(x_ms_policykey="4294967296"), 400, b"X-MS-PolicyKey is no number of 32 bits: '4294967296'\n"),
    (request(x_ms_policykey="-1"), 400, b"X-MS-PolicyKey is no number of 32 bits: '-1'\n"),
    (request(content_type=WBXML), 400, f"the body is empty, but has the type '{WBXML}'\n".encode()),
    (request(body=b"\x03", content_type="text/xml"), 400, f"the body's type is 'text/xml': send {WBXML}\n".encode()),
    (request(body=b"\x03"), 400, f"the body's type is '': send {WBXML}\n".encode()),
    (request(plain(command="SendMail")), 501, b"the stand-in does not serve SendMail\n"),
    (request(plain(command="Nonsense")), 501, b"the stand-in does not serve Nonsense\n"),
    (request(method="GET"), 405, b"send OPTIONS or POST\n"),
]


@pytest.mark.parametrize(("asked", "status", "body"), WRONG)
def test_what_is_no_request(make_server, asked, status, body):
    server = make_server()
    answer = server.take(asked).answer
    assert (answer.status, answer.body) == (status, body)
    assert server.exchange.devices == ()


def test_a_version_that_is_too_new_for_the_release(make_server):
    answer = make_server(release=Release.V2007).take(request()).answer
    assert (answer.status, answer.body) == (400, b"protocol version 14.1: this server speaks 2.5, 12.0, 12.1\n")


def test_the_older_type_of_a_body_is_taken(make_phone):
    phone = make_phone()
    phone.provision()
    phone.headers["content-type"] = "x"
    turn = phone.send("FolderSync", FolderSyncRequest("0").encode(), content_type="application/vnd.ms-sync; x=y")
    assert turn.answer.status == 200


def test_throttling_tells_when_to_come_back(make_phone):
    throttle = {"reason": "UserAgentsChanges", "retry_after": "90.5s", "times": "2"}
    phone = make_phone(rules={"throttle": throttle})
    for _ in range(2):
        turn = phone.ping(480, INBOX)
        assert (turn.answer.status, turn.error) == (503, "UserAgentsChanges")
        assert turn.answer.header("Retry-After") == "91"
        assert turn.answer.header("X-MS-ASThrottle") == "UserAgentsChanges"
    assert phone.ping(480, INBOX).answer.status == 200
    phone.server.exchange.rules = AdminRules.model_validate({"throttle": throttle})
    assert phone.ping(480, INBOX).answer.status == 503, "new rules count from the beginning"


def test_each_user_is_throttled_alone_and_for_ever_without_a_number(make_phone):
    phone = make_phone(rules={"throttle": {"times": 1}})
    other = make_phone(phone.server, phone={"user": "bob"})
    assert [who.ping().answer.status for who in (phone, other, phone, other)] == [503, 503, 200, 200]
    phone.server.exchange.rules = AdminRules.model_validate({"throttle": {}})
    assert [phone.ping().answer.status for _ in range(5)] == [503] * 5


def test_requests_that_are_open_at_a_time(make_phone):
    phone = make_phone(rules={"max_concurrency": 2}).ready()
    second, third, bob = (
        make_phone(phone.server, phone=who) for who in ({"device": "P2"}, {"device": "P3"}, {"user": "bob"})
    )
    second.ready()
    waiting = phone.ping(480, INBOX)
    second.ping(480, INBOX)
    refused = third.ping(480, INBOX)
    assert (refused.answer.status, refused.error, waiting.answer) == (503, "OverBudget", None)
    assert bob.ping().answer.status == 200
    phone.server.wait_for(waiting)
    assert third.ping(480, INBOX).answer.status == 200
