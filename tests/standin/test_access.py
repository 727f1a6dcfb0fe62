"""Rules about devices: allowed, blocked, quarantined."""

import pytest

from hbprobe.eas.commands import DeviceInformation, PingAnswer, ProvisionRequest, SettingsRequest
from hbprobe.eas.request_record import Access

INBOX = "5"
ALLOW, BLOCK, QUARANTINE = Access


def rules(*levels, default="allow", what="DeviceType", query="Phone"):
    told = [{"characteristic": what, "query_string": query, "access_level": level} for level in levels]
    return {"access_rules": told, "default_access_level": default}


@pytest.mark.parametrize(("what", "query"), [("DeviceType", "Phone"), ("UserAgent", "Phone/1.0")])
def test_a_blocked_device_gets_403(make_phone, what, query):
    phone = make_phone(rules=rules("block", what=what, query=query))
    for turn in (phone.ping(480, INBOX), phone.sync(), phone.send("Provision", ProvisionRequest().encode())):
        assert (turn.answer.status, turn.error, turn.access) == (403, "DeviceIsBlockedForThisUser", BLOCK)


@pytest.mark.parametrize(("what", "told"), [("DeviceModel", {"model": "X"}), ("DeviceOS", {"os": "X"})])
def test_what_a_device_tells_of_itself_can_block_it(make_phone, what, told):
    phone = make_phone(rules=rules("block", what=what, query="X"))
    assert phone.ping(480, INBOX).answer.status == 200
    turn = phone.send("Settings", SettingsRequest(DeviceInformation(**told)).encode())
    assert turn.answer.status == 403
    assert phone.ping(480, INBOX).answer.status == 403


def test_information_in_a_provision_counts_at_once(make_phone):
    phone = make_phone(rules=rules("block", what="DeviceModel", query="X"))
    turn = phone.send("Provision", ProvisionRequest(information=DeviceInformation(model="X")).encode())
    assert turn.answer.status == 403


def test_in_quarantine_a_ping_hangs_and_hears_of_nothing(make_phone, read):
    phone = make_phone(rules=rules(default="quarantine"))
    phone.provision()
    phone.folder_sync()
    turn = phone.ping(480, INBOX)
    assert (turn.answer, turn.access, turn.by_rule) == (None, QUARANTINE, False), "though it never was synchronized"
    assert phone.server.exchange.new_mail("alice", INBOX) == ()
    assert turn.answer is None
    assert read(phone.server.wait_for(turn)) == PingAnswer(1)


def test_in_quarantine_a_sync_hangs_and_hears_of_nothing(make_phone):
    phone = make_phone(rules=rules(default="quarantine")).ready()
    turn = phone.sync("1", wait_min=10)
    phone.server.exchange.new_mail("alice", INBOX)
    assert turn.answer is None
