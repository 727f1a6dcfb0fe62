"""Provision, and what becomes of a device that has not been through it, or is to be wiped."""

import pytest

from hbprobe.eas.commands import (
    DeviceInformation,
    FolderSyncAnswer,
    FolderSyncRequest,
    PingAnswer,
    ProvisionAnswer,
    ProvisionRequest,
    SettingsAnswer,
    SyncAnswer,
)
from hbprobe.standin.admin_rules import AdminRules

INBOX = "5"
TOLD = DeviceInformation(model="Model")


def folder_sync(phone):
    return phone.send("FolderSync", FolderSyncRequest("0").encode())


def test_two_phases(make_phone):
    phone = make_phone(rules={"policy": {"DevicePasswordEnabled": "1", "MinDevicePasswordLength": "6"}})
    first, second = phone.provision()
    assert first == ProvisionAnswer(
        1, 1, "1", (("DevicePasswordEnabled", "1"), ("MinDevicePasswordLength", "6")), information_status=1
    )
    assert second == ProvisionAnswer(1, 1, "2")
    assert phone.folder_sync().status == 1


def test_from_14_1_on_the_device_must_tell_what_it_is(make_phone):
    assert make_phone().ask("Provision", ProvisionRequest()) == ProvisionAnswer(165)
    older = make_phone(phone={"version": "14.0"})
    assert older.ask("Provision", ProvisionRequest()).policy_key == "1"


def test_without_a_policy_there_is_nothing_to_accept(make_phone):
    phone = make_phone(rules={"policy": "off"})
    assert phone.ask("Provision", ProvisionRequest(information=TOLD)) == ProvisionAnswer(1, 2, information_status=1)
    assert phone.folder_sync().status == 1


def test_a_key_that_was_not_given(make_phone):
    phone = make_phone()
    assert phone.ask("Provision", ProvisionRequest(policy_key="7", status=1)) == ProvisionAnswer(1, 5)
    phone.ask("Provision", ProvisionRequest(information=TOLD))
    assert phone.ask("Provision", ProvisionRequest(policy_key="2", status=1)) == ProvisionAnswer(1, 5)


def test_another_kind_of_policy(make_phone):
    asked = ProvisionRequest(information=TOLD, policy_type="MS-WAP-Provisioning-XML")
    assert make_phone().ask("Provision", asked) == ProvisionAnswer(1, 3, information_status=1)


def test_a_device_that_cannot_obey_stays_out(make_phone, read):
    phone = make_phone()
    first = phone.ask("Provision", ProvisionRequest(information=TOLD))
    assert phone.ask("Provision", ProvisionRequest(policy_key=first.policy_key, status=3)) == ProvisionAnswer(1, 1)
    phone.key = first.policy_key
    assert read(folder_sync(phone)) == FolderSyncAnswer(142)


# Commands before it


@pytest.mark.parametrize(("key", "status"), [(None, 142), ("0", 142), ("99", 144)])
def test_a_policy_key_that_is_missing_or_wrong(make_phone, read, key, status):
    phone = make_phone()
    phone.provision()
    phone.key = key
    turn = folder_sync(phone)
    assert (turn.answer.status, read(turn), turn.command_status) == (200, FolderSyncAnswer(status), status)
    assert read(phone.sync()) == SyncAnswer(status)
    assert phone.settings(model="M") == SettingsAnswer(status)


def test_a_policy_that_changed(phone, read):
    phone.server.exchange.rules = AdminRules(policy={"AllowCamera": "0"})
    assert read(folder_sync(phone)) == FolderSyncAnswer(143)
    first, _ = phone.provision()
    assert first.policy == (("AllowCamera", "0"),)
    assert read(folder_sync(phone)).status == 1


@pytest.mark.parametrize("version", ["2.5", "12.0", "12.1"])
def test_earlier_protocols_get_449(make_phone, version):
    turn = folder_sync(make_phone(phone={"version": version}))
    assert (turn.answer.status, turn.error, turn.command_status) == (449, "DeviceNotProvisioned", None)
    assert turn.answer.body == b"provision the device first\n"


def test_ping_does_not_look_at_the_key(phone):
    phone.key = None
    assert phone.ping(480, INBOX).answer is None


# Wipe


def test_a_wipe_goes_before_everything(phone, read):
    phone.server.exchange.rules = AdminRules(remote_wipe=("PHONE1",))
    assert read(phone.ping(480, INBOX)) == PingAnswer(140)
    assert read(phone.sync("1")) == SyncAnswer(140)
    assert phone.ask("Provision", ProvisionRequest(information=TOLD)) == ProvisionAnswer(1, wipe=True)
    assert phone.ask("Provision", ProvisionRequest(policy_type=None)) == ProvisionAnswer(1, wipe=True)
    device = phone.server.exchange.device("alice", "PHONE1")
    assert device.wipe == "ordered"
    assert phone.ask("Provision", ProvisionRequest(wipe_status=2)) == ProvisionAnswer(1)
    assert device.wipe == "ordered", "the device says that it did not work"
    assert phone.ask("Provision", ProvisionRequest(wipe_status=1)) == ProvisionAnswer(1)
    assert device.wipe == "acknowledged"
    assert read(phone.ping(480, INBOX)) == PingAnswer(140), "for whoever comes back with the same device"
    device.wipe = None
    phone.server.exchange.rules = AdminRules()
    assert phone.ping(480, INBOX).answer is None


def test_a_wipe_of_an_earlier_protocol(make_phone):
    phone = make_phone(phone={"version": "12.1"}, rules={"remote_wipe": ["PHONE1"]})
    assert phone.ping(480, INBOX).answer.status == 449
