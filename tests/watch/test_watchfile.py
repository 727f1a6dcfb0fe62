import json
from pathlib import Path

import pytest
import trustme

from hbprobe.errors import UserError
from hbprobe.net.address import Address
from hbprobe.search.search import SearchSettings
from hbprobe.trial.methods.table import SCHEMES
from hbprobe.trial.talks.talk import TalkOptions
from hbprobe.watch.watchfile import database_of, discovery_stamps, load_watch

WHOLE = """\
database: kept/watch.sqlite
interval: 30min
metrics: 0.0.0.0:9140
webconfig: web.config
targets:
  - name: office
    url: https://probe.example.net:8443/
    ca: ca.pem
    search: {min: 2min, max: 1h, precision: 5, connections: 4, confirm: 2, grace: 1}
  - name: shop
    url: http://www.example.net/a
    method: idle
"""
CONFIG = "<configuration><appSettings><add key='MaxHeartbeatInterval' value='900'/></appSettings></configuration>"
SHORT = "targets: [{name: a, url: 'https://h/'}]\n"


@pytest.fixture
def written(tmp_path):
    (tmp_path / "web.config").write_text(CONFIG)
    trustme.CA().cert_pem.write_to_path(tmp_path / "ca.pem")

    def write(text):
        file = tmp_path / "watch.yaml"
        file.write_text(text)
        return file

    return write


def test_a_whole_watch_with_files_beside_it(written):
    file = written(WHOLE)
    plan = load_watch(file)
    assert plan.database == file.parent / "kept" / "watch.sqlite"
    assert (plan.interval_s, plan.metrics) == (1800, Address("0.0.0.0", 9140))
    assert plan.settings.max_heartbeat_s == 900
    office, shop = plan.targets
    assert (office.name, str(office.target)) == ("office", "https://probe.example.net:8443/")
    assert (office.method, shop.method) == ("hold", "idle")
    assert office.tls is not None and shop.tls is None
    assert office.search == SearchSettings(120, 3600, 5, 4, 2, 1)
    assert shop.search == SearchSettings()


def test_what_is_left_out_takes_its_default(written):
    plan = load_watch(written(SHORT))
    assert (plan.database.name, plan.interval_s, plan.metrics) == ("watch.sqlite", 3600, None)
    assert plan.settings.max_heartbeat_s == 3540


def test_the_scheme_says_the_method(written):
    (target,) = load_watch(written(SHORT.replace("https", "wss"))).targets
    assert (target.method, str(target.target), target.tls is not None) == ("websocket", "wss://h:443/", True)


def test_what_is_said_of_a_talk(written, tmp_path, monkeypatch):
    monkeypatch.delenv("HBPROBE_PASSWORD", raising=False)
    (tmp_path / "secret").write_text("sesame\n")
    (tmp_path / "headers").write_text("Origin: https://a/\n")
    mail, socket, line = load_watch(
        written("""\
targets:
  - {name: mail, url: 'imap://h/INBOX', user: ada, password_file: secret, starttls: true, heartbeat: 10min}
  - {name: live, url: 'wss://h/s', headers_file: headers, subprotocol: [a, b], exchange: true}
  - {name: line, url: 'tcp://h:1', send: 'PING\\r\\n', expect: PONG}
""")
    ).targets
    assert mail.talk == TalkOptions(user="ada", password="sesame", starttls=True)
    assert mail.tls is not None
    assert (mail.heartbeat_s, mail.exchange) == (600, False)
    assert json.loads(mail.asked)["user"] == "ada"
    assert "sesame" not in mail.asked
    assert socket.talk == TalkOptions(headers=(("Origin", "https://a/"),), subprotocols=("a", "b"))
    assert socket.exchange
    assert line.talk == TalkOptions(send=b"PING\r\n", expect=b"PONG")


@pytest.mark.parametrize(
    ("there", "here"),
    [
        ("{name: a, url: 'wss://h/?k=one'}", "{name: a, url: 'wss://h/?k=two'}"),
        ("{name: a, url: 'wss://h/', headers_file: one}", "{name: a, url: 'wss://h/', headers_file: two}"),
        ("{name: a, url: 'wss://h/'}", "{name: a, url: 'wss://h/', subprotocol: [two]}"),
        ("{name: a, url: 'tcp://h:1', send: one}", "{name: a, url: 'tcp://h:1', send: two}"),
        (
            "{name: a, url: 'tcp://h:1', send: one, expect: one}",
            "{name: a, url: 'tcp://h:1', send: one, expect: two}",
        ),
    ],
)
def test_what_is_said_otherwise_is_another_measurement_and_no_secret_is_kept(
    written, tmp_path, monkeypatch, there, here
):
    monkeypatch.setattr("hbprobe.measure.description._ROUNDS", 1)
    for name in ("one", "two"):
        (tmp_path / name).write_text(f"Authorization: {name}\n")
    first, again, second = (load_watch(written(f"targets: [{text}]")).targets[0] for text in (there, there, here))
    assert first.asked == again.asked
    assert first.asked != second.asked
    assert "one" not in first.asked


def test_another_password_makes_another_target(written, tmp_path):
    text = "targets: [{name: a, url: 'rediss://h/', user: ada, password_file: secret}]"
    (tmp_path / "secret").write_text("one")
    before = load_watch(written(text)).targets[0]
    (tmp_path / "secret").write_text("two")
    after = load_watch(written(text)).targets[0]
    assert before.identity != after.identity
    assert before.asked == after.asked


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            "url: 'rediss://h/', user: ada",
            "targets[0].user: nobody can be asked for the password: name a password_file, or set HBPROBE_PASSWORD",
        ),
        (
            "url: 'redis://h/', user: ada, password_file: secret",
            "targets[0]: a password or a token goes over TLS only, as in https; redis is for a server on this{0}",
        ),
        (
            "url: 'rediss://h/', starttls: true",
            "targets[0]: starttls goes with method imap, postgresql, smtp or ldap",
        ),
        ("url: 'tcp://h:1', expect: a", "targets[0]: expect goes with send: nothing else is answered"),
    ],
)
def test_what_cannot_be_said_of_a_talk(written, tmp_path, monkeypatch, said, told):
    monkeypatch.delenv("HBPROBE_PASSWORD", raising=False)
    (tmp_path / "secret").write_text("one")
    file = written(f"targets: [{{name: a, {said}}}]")
    with pytest.raises(UserError) as error:
        load_watch(file)
    assert str(error.value) == f"{file}: {told.format(' machine')}"


def test_a_port_alone_is_for_this_machine(written):
    assert load_watch(written(f"metrics: 9140\n{SHORT}")).metrics == Address("127.0.0.1", 9140)


def test_what_is_asked_changes_with_the_settings(written):
    (target,) = load_watch(written(SHORT)).targets
    asked = json.loads(target.asked)
    assert (asked["target"], asked["method"], asked["search"]["max_s"]) == ("https://h:443/", "hold", 3540)
    (other,) = load_watch(written(SHORT.replace("https", "http"))).targets
    assert other.asked != target.asked


def test_the_database_may_be_named_itself(written, tmp_path):
    assert database_of(written(SHORT)) == tmp_path / "watch.sqlite"
    assert database_of(tmp_path / "x.sqlite") == tmp_path / "x.sqlite"


ONE = "targets:\n  - name: a\n    url: https://h/\n"
WRONG = [
    (
        "interval: 1h\n",
        "watch.yaml: targets: is missing: name at least one, or files that do with file_sd",
    ),
    ("targets: []\n", "watch.yaml: targets: is missing: name at least one, or files that do with file_sd"),
    (
        f"{ONE}    password: x\n",
        "watch.yaml:4: targets[0].password: unknown key; did you mean password_file? (allowed: method, ca, source, ",
    ),
    (f"intervall: 5\n{ONE}", "watch.yaml:1: intervall: unknown key; did you mean interval? (allowed: database, "),
    (f"interval: soon\n{ONE}", "watch.yaml:1: interval: 'soon' is not a duration: write seconds (600) or a number "),
    (f"metrics: here\n{ONE}", "watch.yaml:1: metrics: 'here' is no HOST:PORT: write 127.0.0.1:8443 or [::1]:8443"),
    (f"metrics: 99999\n{ONE}", "watch.yaml:1: metrics: '127.0.0.1:99999' is no HOST:PORT: write 127.0.0.1:8443 or "),
    ("targets: [{name: a, url: 'ftp://h/'}]\n", "watch.yaml:1: targets[0].url: 'ftp://h/' is no URL to probe: "),
    (
        "targets: [{name: a, url: 'https://me:secret@h/'}]\n",
        "watch.yaml:1: targets[0].url: a URL to probe holds no user name or password",
    ),
    (
        f"{ONE}    method: post\n",
        "watch.yaml:4: targets[0].method: 'post' is not allowed (allowed: hold, idle, ping, web",
    ),
    (
        f"{ONE}    method: ping\n",
        "watch.yaml: targets[0]: user is missing: ActiveSync wants a login",
    ),
    (
        "targets: [{name: a, url: 'wss://h/', method: idle}]\n",
        "watch.yaml: targets[0]: method idle: 'wss://h/' is no URL to probe: write https://HOST[:PORT][/PATH]",
    ),
    (f"{ONE}    search: {{min: 2h}}\n", "watch.yaml: targets[0]: search: min must be below max, not 7200 and 3540"),
    (f"{ONE}    search: {{max: 400d}}\n", "watch.yaml: targets[0].search.max: hbprobe serve holds for "),
    (
        f"{ONE}    ca: none.pem\n",
        "watch.yaml: targets[0].ca: {folder}/none.pem: no such file: give a certificate in PEM",
    ),
    (
        "targets: [{name: a, url: 'http://h/', ca: ca.pem}]\n",
        "watch.yaml: targets[0].ca: goes with https; there is no certificate in http",
    ),
    (f"{ONE}  - name: a\n    url: http://i/\n", "watch.yaml: targets: 2 are called 'a': give each a name of its own"),
    ("name: N\nboxes: [open-path]\n", "watch.yaml: is a path file, which hbprobe lab takes; a watch file "),
    (f"{ONE}    module: fast\n", "watch.yaml: targets[0].module: 'fast' is not among modules (there: none)"),
    (f"modules: {{a: {{methud: idle}}}}\n{ONE}", "watch.yaml:1: modules.a.methud: unknown key; did you mean method?"),
    (f"file_sd: ['*/x.yaml']\n{ONE}", "*/x.yaml: name files that end in .yaml, .yml or .json; only the last part "),
    (f"notify: {{webhook: 'ftp://h/'}}\n{ONE}", "watch.yaml:1: notify.webhook: is no URL to post to: write https://"),
    (f"notify: {{command: say}}\n{ONE}", "watch.yaml:1: notify.command: "),
    ("targets: [\n", "watch.yaml:2:1: broken YAML: a quote or bracket that is never closed"),
    (f"webconfig: none.config\n{ONE}", "none.config: No such file or directory: "),
]


@pytest.mark.parametrize(("text", "message"), WRONG, ids=[message[10:50] for _, message in WRONG])
def test_a_wrong_file_gives_one_line(written, tmp_path, text, message):
    with pytest.raises(UserError) as raised:
        load_watch(written(text))
    told = str(raised.value).removeprefix(f"{tmp_path}/")
    assert told.startswith(message.replace("{folder}", str(tmp_path)))
    assert "\n" not in told and "secret" not in told


DISCOVERED = """\
modules:
  web: {method: idle, family: "4", search: {max: 10min}}
targets:
  - {name: office, url: "https://probe.example.net/", module: web, search: {max: 20min}}
file_sd: [targets/*.json, more.yaml]
"""


def test_files_name_more_targets_and_modules_say_how(written, tmp_path):
    (tmp_path / "targets").mkdir()
    groups = [{"targets": ["http://a/?token=x", "https://b:1/"], "labels": {"__param_module": "web", "site": "x"}}]
    (tmp_path / "targets" / "a.json").write_text(json.dumps(groups))
    (tmp_path / "more.yaml").write_text("- targets: ['http://c/']\n")
    (tmp_path / "targets" / "empty.json").write_text("")
    plan = load_watch(written(DISCOVERED))
    assert [one.name for one in plan.targets] == ["office", "http://c/", "http://a/?token=***", "https://b:1/"]
    assert [one.module for one in plan.targets] == ["web", "", "web", "web"]
    assert [one.search.max_s for one in plan.targets] == [1200, 3540, 600, 600], "a target's own keys go first"
    assert [one.method for one in plan.targets] == ["idle", "hold", "idle", "idle"]
    assert [Path(name).name for name, *_ in discovery_stamps(plan)] == ["more.yaml", "a.json", "empty.json"]


def test_a_target_is_found_by_its_name_or_its_url_under_its_module(written):
    plan = load_watch(written(DISCOVERED.replace("file_sd", "#")))
    (office,) = plan.targets
    for wanted, module in (("office", ""), ("office", "web"), ("https://probe.example.net:443/", "web")):
        assert plan.find(wanted, module) is office
    assert plan.find("office", "other") is None
    assert plan.find("https://elsewhere.example/", "") is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("- targets: ['ftp://h']", "[0].targets[0]: 'ftp://h' is no URL to probe: "),
        ("- targets: 5", "[0].targets: Input should be a valid tuple; write a list of groups, each with targets "),
        ("a: b", "Input should be a valid tuple; write a list of groups"),
        ("- targets: ['http://h/']\n  label: 3", "[0].label: Extra inputs are not permitted; write a list of groups"),
        ("- [", "broken YAML: "),
        ("- {targets: ['http://h/'], labels: {__param_module: no}}", "http://h/.module: 'no' is not among modules"),
    ],
)
def test_a_wrong_file_of_targets_gives_one_line(written, tmp_path, text, told):
    (tmp_path / "more.yaml").write_text(text)
    with pytest.raises(UserError) as raised:
        load_watch(written("file_sd: [more.yaml]"))
    line = str(raised.value)
    assert line.startswith(str(tmp_path / "more.yaml")) and told in line and "\n" not in line


@pytest.mark.parametrize("scheme", sorted(SCHEMES))
def test_a_file_of_targets_takes_what_a_watch_file_takes(written, tmp_path, scheme):
    url = f"{scheme}://host:4711/"
    (tmp_path / "more.yaml").write_text(f"- targets: ['{url}']")
    (found,) = load_watch(written("file_sd: [more.yaml]")).targets
    (said,) = load_watch(written(f"targets: [{{name: '{url}', url: '{url}'}}]")).targets
    assert found.identity[:3] == said.identity[:3]
