"""What the server knows of all its devices together."""

import base64

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from hbprobe.eas.commands import (
    DeviceInformation,
    FolderSyncRequest,
    PingFolder,
    PingRequest,
    ProvisionRequest,
    SettingsRequest,
    SyncCollection,
    SyncRequest,
)
from hbprobe.standin.admin_rules import AdminRules
from hbprobe.standin.messages import ClientRequest

INBOX = "5"
MESSAGES = [
    ProvisionRequest(information=DeviceInformation(model="M")).encode(),
    ProvisionRequest(policy_key="1", status=1).encode(),
    FolderSyncRequest("0").encode(),
    SyncRequest((SyncCollection("0", "5"),), wait_min=5).encode(),
    PingRequest(480, (PingFolder("5", "Email"),)).encode(),
    SettingsRequest(DeviceInformation(model="M")).encode(),
    b"",
]
COMMANDS = ("Ping", "Sync", "FolderSync", "Provision", "Settings")


def test_devices_of_a_user(make_phone, read):
    phone = make_phone(rules={"max_devices": 1}).ready()
    second = make_phone(phone.server, phone={"device": "P2"})
    assert read(second.ping(480, INBOX)).status == 177
    older = make_phone(phone.server, phone={"device": "P3", "version": "12.1"})
    assert older.ping(480, INBOX).answer.status == 403
    assert make_phone(phone.server, phone={"user": "bob"}).ping().answer.status == 200
    phone.server.exchange.forget(phone.server.exchange.device("alice", "PHONE1"))
    assert read(second.ping(480, INBOX)).status == 7


@st.composite
def damaged(draw):
    """A message with one piece of it replaced."""
    body = draw(st.sampled_from(MESSAGES))
    start = draw(st.integers(0, len(body)))
    end = draw(st.integers(start, len(body)))
    return body[:start] + draw(st.binary(max_size=8)) + body[end:]


@given(st.sampled_from(COMMANDS), damaged(), st.sampled_from(["2.5", "12.1", "14.0", "16.1"]))
def test_any_body_gets_an_answer(make_phone, command, body, version):
    phone = make_phone(phone={"version": version}, rules={"policy": None})
    phone.folder_sync()
    turn = phone.send(command, body)
    assert (turn.answer is None) == (turn.waiting is not None)
    assert turn.answer is None or turn.answer.status in (200, 400)


@given(
    st.text(max_size=80),
    st.text(max_size=30),
    st.sampled_from(["GET", "POST", "OPTIONS", "X"]),
    st.binary(max_size=9),
)
def test_any_request_gets_an_answer(make_server, query, header, method, body):
    names = ("ms-asprotocolversion", "x-ms-policykey", "content-type", "user-agent")
    authorization = "Basic " + base64.b64encode(header.encode("utf-8", "surrogatepass")).decode()
    request = ClientRequest(method, query, dict.fromkeys(names, header), authorization, body)
    assert make_server().take(request).answer is not None


class Phones(RuleBasedStateMachine):
    """Two phones of one user in any order of events."""

    def __init__(self, make_server, make_phone):
        super().__init__()
        self.server = make_server(rules={"policy": None})
        self.phones = [make_phone(self.server, phone={"device": name}) for name in ("A", "B")]
        for phone in self.phones:
            phone.folder_sync()
        self.turns = []

    @rule(which=st.integers(0, 1), command=st.sampled_from(COMMANDS), body=st.sampled_from(MESSAGES))
    def send(self, which, command, body):
        turn = self.phones[which].send(command, body)
        if turn.answer is None:
            self.turns.append(turn)

    @rule(after_s=st.integers(1, 600))
    def time_passes(self, after_s):
        self.server.now += after_s
        for turn in self.turns:
            if turn.waiting and turn.waiting.until_s <= self.server.now:
                self.server.exchange.expire(turn)

    @rule(folder=st.sampled_from(["1", "5"]))
    def mail_comes(self, folder):
        self.server.exchange.new_mail("alice", folder)

    @rule(which=st.integers(0, 3))
    def a_client_goes_away(self, which):
        if which < len(self.turns):
            self.server.exchange.finish(self.turns.pop(which), self.server.now, is_delivered=False)

    @rule(level=st.sampled_from(["allow", "block", "quarantine"]))
    def rules_change(self, level):
        self.server.exchange.rules = AdminRules(policy=None, default_access_level=level)

    @invariant()
    def each_device_has_one_request_that_waits_at_most(self):
        for turn in list(self.turns):
            if turn.answer is not None:
                self.turns.remove(turn)
                self.server.exchange.finish(turn, self.server.now, is_delivered=True)
        waiting = [turn.device_id for turn in self.turns]
        assert sorted(waiting) == sorted({turn.device_id for turn in self.turns})
        known = {device.id: device.turn for device in self.server.exchange.devices}
        assert {turn.device_id: turn for turn in self.turns} == {k: v for k, v in known.items() if v is not None}


def test_any_order_of_events(make_server, make_phone):
    few = settings(max_examples=40, stateful_step_count=25, deadline=None)
    run_state_machine_as_test(lambda: Phones(make_server, make_phone), settings=few)


def test_mail_elsewhere_does_not_end_it(phone):
    turn = phone.ping(480, INBOX)
    phone.server.exchange.new_mail("alice", "4")
    phone.server.exchange.new_mail("bob", INBOX)
    assert turn.answer is None


def test_devices_do_not_end_each_others(phone, make_phone):
    other = make_phone(phone.server, phone={"device": "PHONE2"}).ready()
    turns = [phone.ping(480, INBOX), other.ping(480, INBOX)]
    assert [turn.answer for turn in turns] == [None, None]


def test_a_client_that_goes_away_waits_no_more(phone):
    turn = phone.ping(480, INBOX)
    phone.server.exchange.finish(turn, 20.0, is_delivered=False)
    phone.server.exchange.new_mail("alice", INBOX)
    assert turn.answer is None
    assert not phone.server.recent.requests[-1].is_delivered
    phone.server.exchange.expire(turn)
    assert turn.answer is None
