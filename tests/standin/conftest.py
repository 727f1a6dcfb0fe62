"""A phone that talks to the state machine without sockets, and a server for it."""

import base64
import itertools

import pytest

from hbprobe.eas.commands import (
    DeviceInformation,
    FolderSyncAnswer,
    FolderSyncRequest,
    PingAnswer,
    PingFolder,
    PingRequest,
    ProvisionAnswer,
    ProvisionRequest,
    SettingsAnswer,
    SettingsRequest,
    SyncAnswer,
    SyncCollection,
    SyncRequest,
)
from hbprobe.eas.query import Query
from hbprobe.eas.releases import Release
from hbprobe.exchange.settings import Settings
from hbprobe.standin.admin_rules import AdminRules
from hbprobe.standin.device import ServedRequest
from hbprobe.standin.exchange_server import ExchangeServer
from hbprobe.standin.messages import WBXML, ClientRequest
from hbprobe.standin.recorders import Recent

INBOX = "5"
ANSWERS = {
    "Ping": PingAnswer,
    "Sync": SyncAnswer,
    "FolderSync": FolderSyncAnswer,
    "Provision": ProvisionAnswer,
    "Settings": SettingsAnswer,
}


class Server:
    """A state machine with a clock that the test moves."""

    def __init__(self, *, settings=None, users=None, rules=None, filters=(), release=Release.V2019):
        self.now = 0.0
        self.recent = Recent()
        settings, rules = settings or Settings(), AdminRules.model_validate(rules or {})
        self.exchange = ExchangeServer(
            settings, users, rules, filters, release, self.recent, itertools.count(1).__next__
        )

    def take(self, request):
        """Take a request, and record it when it is answered at once."""
        turn = ServedRequest(request, self.now)
        self.exchange.begin(turn, self.now)
        if turn.answer is not None:
            self.exchange.finish(turn, self.now, is_delivered=True)
        return turn

    def wait_for(self, turn):
        """Let the time of a request that waits run out."""
        self.now = turn.waiting.until_s
        self.exchange.expire(turn)
        self.exchange.finish(turn, self.now, is_delivered=True)
        return turn


class Phone:
    """One device. Its methods return the turn, or the decoded answer."""

    def __init__(self, server, device="PHONE1", user="alice", kind="Phone", version="14.1", password="secret"):
        self.server = server
        self.device = device
        self.kind = kind
        self.version = version
        self.key = None
        self.user = user
        self.headers = {"user-agent": "Phone/1.0"}
        self.authorization = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()

    def send(self, command, body=b"", **headers):
        said = {"ms-asprotocolversion": self.version} | self.headers
        if body:
            said["content-type"] = WBXML
        if self.key:
            said["x-ms-policykey"] = self.key
        query = Query(command, self.user, self.device, self.kind).plain()
        said |= {name.replace("_", "-"): value for name, value in headers.items()}
        request = ClientRequest("POST", query, said, self.authorization, body)
        return self.server.take(request)

    def ask(self, command, asked):
        """Send a message, and return its decoded answer."""
        turn = self.send(command, asked.encode())
        assert turn.answer is not None and turn.answer.status == 200, turn
        return read(turn)

    def provision(self, **told):
        first = self.ask("Provision", ProvisionRequest(information=DeviceInformation(**{"model": "Model"} | told)))
        second = self.ask("Provision", ProvisionRequest(policy_key=first.policy_key, status=1))
        self.key = second.policy_key
        return first, second

    def settings(self, **told):
        return self.ask("Settings", SettingsRequest(DeviceInformation(**told)))

    def folder_sync(self, key="0"):
        return self.ask("FolderSync", FolderSyncRequest(key))

    def sync(self, key="0", folder=INBOX, **more):
        return self.send("Sync", SyncRequest((SyncCollection(key, folder),), **more).encode())

    def ping(self, heartbeat_s=None, *folders):
        return self.send(
            "Ping", PingRequest(heartbeat_s, tuple(PingFolder(id_, "Email") for id_ in folders)).encode()
        )

    def ready(self):
        """Do all that must come before a Ping can wait."""
        self.provision()
        self.folder_sync()
        self.sync()
        return self


def read(turn):
    return ANSWERS[turn.command].decode(turn.answer.body)


@pytest.fixture(scope="session")
def make_server():
    return Server


@pytest.fixture(scope="session")
def make_phone():
    """A phone at a server of its own, or at one that is given."""

    def make(server=None, *, phone=None, **options):
        return Phone(server or Server(**options), **phone or {})

    return make


@pytest.fixture
def phone():
    return Phone(Server()).ready()


@pytest.fixture(scope="session", name="read")
def read_fixture():
    return read
