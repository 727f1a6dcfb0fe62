"""What each command does to the device and to the request that waits."""

from hbprobe.eas.commands import FolderSyncAnswer, PingAnswer
from hbprobe.eas.wbxml import Element, encode
from hbprobe.exchange.settings import Settings
from hbprobe.exchange.window import Event1040
from hbprobe.standin.device import FOLDERS

INBOX = "5"


def test_folder_sync_tells_all_folders_once(make_phone):
    phone = make_phone()
    phone.provision()
    assert phone.folder_sync() == FolderSyncAnswer(1, "1", FOLDERS)
    assert phone.folder_sync("1") == FolderSyncAnswer(1, "1")
    assert phone.folder_sync("7") == FolderSyncAnswer(9)
    assert phone.folder_sync().sync_key == "2"


def test_a_ping_ends_a_waiting_sync_and_the_other_way_round(phone, read):
    sync = phone.sync("1", wait_min=10)
    ping = phone.ping(480, INBOX)
    assert (sync.answer.body, sync.error) == (b"", "NMStolen")
    phone.sync("1")
    assert read(ping).status == 1


def test_waiting_syncs_have_a_window_of_their_own(make_phone):
    phone = make_phone(settings=Settings(sample_size=1, alert_threshold_s=540)).ready()
    phone.ping(300, INBOX)
    phone.sync("1", wait_min=8)
    assert phone.server.exchange.averages_s == {"Ping": 300, "Sync": 480}
    phone.server.now = 480.0
    phone.sync("1", wait_min=9)
    assert list(phone.server.recent.events) == [Event1040(480.0, 540, "Sync", 540)]


def ping_body(*children):
    return encode(Element("Ping:Ping", children))


def test_a_newer_ping_of_the_device_ends_the_older(phone, read):
    older = phone.ping(480, INBOX)
    phone.server.now = 10.0
    newer = phone.ping(480, INBOX)
    assert (read(older), older.error, older.expired) == (PingAnswer(1), "NMStolen", False)
    assert newer.waiting.until_s == 490.0


def test_a_ping_that_is_refused_ends_none(phone):
    older = phone.ping(480, INBOX)
    phone.ping(5, INBOX)
    assert older.answer is None


def test_a_server_that_fails(make_phone, read):
    phone = make_phone().ready()
    phone.server.exchange.rules = phone.server.exchange.rules.model_copy(update={"server_error": True})
    assert read(phone.ping(480, INBOX)) == PingAnswer(8)


def test_only_what_was_held_or_had_changes_is_a_sample(make_phone):
    phone = make_phone(settings=Settings(sample_size=1, alert_threshold_s=540)).ready()
    for asked in ((5, INBOX), (480,), (480, "77")):
        phone.ping(*asked)
    phone.send("Ping", ping_body())
    assert phone.server.exchange.averages_s == {"Ping": None, "Sync": None}
    phone.server.exchange.new_mail("alice", INBOX)
    assert phone.ping(480, INBOX).answer is not None
    assert phone.server.exchange.averages_s == {"Ping": 480, "Sync": None}


def test_without_direct_push_no_mail_ends_a_ping(make_phone, read):
    phone = make_phone(rules={"direct_push": False}).ready()
    turn = phone.ping(480, INBOX)
    phone.server.exchange.new_mail("alice", INBOX)
    assert turn.answer is None
    phone.server.wait_for(turn)
    assert read(turn) == PingAnswer(1)
    assert turn.answer.header("X-MS-NoPush") == ""
    assert phone.ping(30, INBOX).answer.header("X-MS-NoPush") == ""
    assert phone.server.take(phone.ping(480, INBOX).request).answer.header("X-MS-NoPush") == ""  # the mail is there


def test_with_direct_push_no_answer_says_that_it_is_off(phone):
    assert phone.ping(30, INBOX).answer.header("X-MS-NoPush") is None
