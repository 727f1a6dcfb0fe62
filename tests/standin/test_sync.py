"""Sync and FolderSync: keys, changes, and the Sync that waits."""

import pytest

from hbprobe.eas.commands import FolderSyncAnswer, SyncAnswer, SyncCollection, SyncRequest
from hbprobe.exchange.settings import Settings
from hbprobe.standin.device import FOLDERS

INBOX = "5"
EMPTY = SyncAnswer()


def one(key, status, folder=INBOX):
    return SyncAnswer(collections=(SyncCollection(key, folder, status),))


def test_the_inbox_is_there():
    assert [folder.id for folder in FOLDERS if folder.kind == 2] == [INBOX]


def test_first_sync_gives_a_key_and_the_next_is_empty(make_phone, read):
    phone = make_phone()
    phone.provision()
    phone.folder_sync()
    assert read(phone.sync("0")) == one("1", 1)
    assert phone.sync("1").answer.body == b""


def test_new_mail_comes_under_a_new_key(phone, read):
    phone.server.exchange.new_mail("alice", INBOX)
    (collection,) = read(phone.sync("1")).collections
    assert (collection.sync_key, collection.status) == ("2", 1)
    assert [command.tag for command in collection.commands] == ["AirSync:Add"]
    assert read(phone.sync("2")) == EMPTY


def test_a_wrong_key_begins_anew(phone, read):
    assert read(phone.sync("9")) == one("0", 3)
    assert read(phone.sync("1")) == one("0", 3)
    assert read(phone.sync("0")) == one("1", 1)


def test_an_unknown_folder_wants_a_folder_sync(phone, read):
    assert read(phone.sync("0", "77")) == one("0", 12, "77")


def test_before_a_folder_sync(make_phone, read):
    phone = make_phone()
    phone.provision()
    assert read(phone.sync("0")) == SyncAnswer(12)


@pytest.mark.parametrize(("more", "wait_s"), [({"wait_min": 10}, 600), ({"heartbeat_s": 600}, 600)])
def test_a_quiet_sync_waits_and_is_empty(phone, read, more, wait_s):
    phone.server.now = 50.0
    turn = phone.sync("1", **more)
    assert (turn.answer, turn.waiting.until_s, turn.heartbeat_s) == (None, 50.0 + wait_s, wait_s)
    phone.server.wait_for(turn)
    assert (turn.answer.body, turn.answer.headers) == (b"", ())


def test_new_mail_ends_it_with_the_mail(phone, read):
    turn = phone.sync("1", wait_min=10)
    phone.server.exchange.new_mail("alice", INBOX)
    assert read(turn).collections[0].sync_key == "2"
    assert phone.sync("2", wait_min=10).answer is None


def test_an_empty_sync_means_the_one_before(phone, read):
    assert phone.send("Sync").answer.body == b"", "the one before did not wait"
    phone.server.wait_for(phone.sync("1", heartbeat_s=900))
    turn = phone.send("Sync")
    assert (turn.waiting.until_s, turn.folders) == (1800.0, (INBOX,))


def test_an_empty_sync_with_nothing_remembered(make_phone, read):
    phone = make_phone()
    phone.provision()
    phone.folder_sync()
    assert read(phone.send("Sync")) == SyncAnswer(13)


@pytest.mark.parametrize(
    ("more", "limit"),
    [({"wait_min": 0}, 1), ({"wait_min": 60}, 59), ({"heartbeat_s": 59}, 60), ({"heartbeat_s": 3541}, 3540)],
)
def test_out_of_range_tells_the_nearest_bound_in_its_unit(phone, read, more, limit):
    assert read(phone.sync("1", **more)) == SyncAnswer(14, limit)


def test_bounds_in_minutes_lie_within_those_of_the_settings(make_phone, read):
    phone = make_phone(settings=Settings(min_heartbeat_s=90, max_heartbeat_s=630)).ready()
    assert read(phone.sync("1", wait_min=1)) == SyncAnswer(14, 2)
    assert read(phone.sync("1", wait_min=11)) == SyncAnswer(14, 10)


@pytest.mark.parametrize(
    ("version", "more"),
    [
        ("14.1", {"wait_min": 10, "heartbeat_s": 600}),
        ("12.1", {"heartbeat_s": 600}),
        ("12.0", {"wait_min": 10}),
        ("2.5", {"wait_min": 10}),
    ],
)
def test_ways_to_wait_that_the_version_does_not_have(make_phone, read, version, more):
    phone = make_phone(phone={"version": version}, rules={"policy": None})
    phone.folder_sync()
    phone.sync("0")
    assert read(phone.sync("1", **more)) == SyncAnswer(4)


def test_what_is_no_sync(phone):
    turn = phone.send("Sync", SyncRequest(wait_min=3).encode()[:-1])
    assert (turn.answer.status, turn.error) == (400, "InvalidWBXML")
    turn = phone.send("Sync", FolderSyncAnswer(1).encode())
    assert (turn.answer.status, turn.error) == (400, "InvalidContent")
    assert turn.answer.body == b"FolderHierarchy:FolderSync instead of AirSync:Sync\n"
