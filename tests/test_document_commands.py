"""Every command on every page: it can be read, what it names is there, and what is quick runs as it stands."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from hbprobe.cli.app import command_line, parse
from hbprobe.cli.main import main
from hbprobe.measure.request import Request

ROOT = Path(__file__).parent.parent
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")])
BESIDE = re.compile(r" {7,}(?:in .*|once)$| +# .*$")
"""What a page says beside a command, in the same line."""
PROGRAMS = r"(?:/[\w./-]+/)?(?:hbprobe|python3?|pip|curl|systemctl)"
LINE = re.compile(rf"^ {{4}}(?:\$ )?((?:eval \"\$\(|source <\()?{PROGRAMS} .*)$", re.MULTILINE)


@dataclass(frozen=True)
class Command:
    """One program with its arguments, as a shell would start it."""

    page: str
    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.page}: {shlex.join(self.words)}"

    @property
    def program(self) -> str:
        return Path(self.words[0]).name


def commands_in(page: Path) -> Iterator[Command]:
    for line in LINE.findall(page.read_text(encoding="utf-8")):
        text = BESIDE.sub("", line)
        inner = re.search(r"[$<]\((.*?)\)", text)
        lexer = shlex.shlex(inner[1] if inner else text, posix=True, punctuation_chars="|&;<>")
        lexer.whitespace_split = True
        words: list[str] = []
        for word in [*lexer, ";"]:
            if word in ("|", "&&", ";"):
                yield Command(page.name, tuple(words[: words.index(">")] if ">" in words else words))
                words = []
            else:
                words.append(word)


COMMANDS = list(dict.fromkeys(command for page in PAGES for command in commands_in(page)))
OURS = [command for command in COMMANDS if command.program == "hbprobe"]

# What is run, and why the others are not

RUN = {"lab", "verdict", "profiles", "schema"}
"""Verbs that need nothing but what the page shows, and take a moment."""
NOT_RUN = {
    "serve": "listens until it is stopped; tests/cli/test_serve.py starts it",
    "proxy": "listens until it is stopped; tests/cli/test_proxy.py starts it",
    "toxiproxy": "listens until it is stopped; tests/toxiproxy starts it",
    "watch": "measures until it is stopped; tests/cli/test_watch.py starts it",
    "history": "shows what weeks of watching left; tests/cli/test_watch.py makes some",
    "probe": "needs the far end that the page starts, and real time; tests/cli/test_probe.py has both",
    "diagnose": "the same; in a lab, tests/cli/test_diagnose.py runs it",
    "locate": "needs routers; tests/lab/kernel/test_locate.py makes them",
    "preflight": "needs an ActiveSync server and a minute; tests/cli/test_ping.py runs it",
    "fleet": "takes minutes; tests/cli/test_fleet.py runs smaller ones",
    "size": "takes minutes; tests/cli/test_size.py runs smaller ones",
    "logs": "reads logs of a reader's own; tests/cli/test_logs.py has some",
    "capture": "reads captures of a reader's own; tests/evidence/captures has some",
    "report": "reads what the commands before it left; tests/cli/test_report.py has some",
    "plot": "draws for seconds; tests/cli/test_plot.py draws",
    "completion": "tests/cli/test_completion.py runs it in the shells",
}
NOT_RUN_WITH = {
    "--kernel": "needs namespaces; tests/cli/test_kernel_lab.py makes them",
    "--event": "wants an event pasted; tests/cli/test_verdict.py pastes some",
    "--out": "draws for seconds; tests/cli/test_lab.py writes",
}
OF_THE_READER = {
    *("ca.pem", "cert.pem", "password", "token", "users.yaml", "rules.yaml", "watch.yaml", "company.yaml"),
    *("proxies.json", "client.pcapng", "server.pcapng", "boxes/", "another.yaml", "path.yaml", "my-firewall.yaml"),
    *("diagnosis.json", "capture.json", "result.json", "example/result.json", "event.txt", "monday.json"),
    "tuesday.json",
    "proxy_profiles/firewall/example-networks.yaml",
}
"""Files that a page tells its reader to write, or that a command before leaves."""
WRITES = {"--out", "--journal", "--annotate", "--export", "--csv", "--mix", "--plot", "--pcap", "--into", "--state"}
FILE = re.compile(r"^[\w./-]*(?:\.(?:yaml|json|jsonl|pem|pcapng|config|txt)|/)$")
OF_REQUESTS = {"probe", "diagnose", "locate", "preflight", "verdict", "lab", "size"}
"""Verbs whose options are the fields of a request, and which do nothing before it is made."""


def is_run(command: Command) -> bool:
    return command.words[1] in RUN and not NOT_RUN_WITH.keys() & set(command.words)


QUICK = {command.words: command for command in OURS if is_run(command)}


class BuiltError(Exception):
    """A request was made of the options, and is not carried out here."""


def example(page):
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)[0]


@pytest.fixture
def _files(tmp_path, monkeypatch):
    """Go to a folder with the files that the pages show."""
    firewall = example("profiles.md")
    there = tmp_path / "proxy_profiles" / "firewall"
    there.mkdir(parents=True)
    (tmp_path / "boxes").mkdir()
    for file, text in (
        ("path.yaml", example("paths.md")),
        ("web.config", "<configuration><appSettings/></configuration>"),
        ("my-firewall.yaml", firewall),
        ("boxes/my-firewall.yaml", firewall),
        ("another.yaml", firewall.replace("id: ", "id: another-")),
        (there / "example-networks.yaml", re.sub(r"^id: .*$", "id: example-networks", firewall, flags=re.MULTILINE)),
    ):
        (tmp_path / file).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)


def test_there_are_commands():
    assert len(OURS) > 70 and len({command.page for command in OURS}) > 15


@pytest.mark.usefixtures("_files")
@pytest.mark.parametrize("command", QUICK.values(), ids=str)
def test_what_is_quick_runs_as_it_stands(command, capsys):
    assert main(command.words[1:]) in (0, 1), capsys.readouterr().err


@pytest.mark.usefixtures("_files")
@pytest.mark.parametrize("command", [each for each in OURS if not is_run(each)], ids=str)
def test_the_others_are_read_and_their_request_is_made(command, monkeypatch):
    def built(*_):
        raise BuiltError

    monkeypatch.setattr(Request, "run", built)
    asked = parse(command_line(), command.words[1:])
    if command.words[1] in OF_REQUESTS:
        with pytest.raises(BuiltError):
            asked()


def test_the_files_that_they_name_are_there_or_the_readers():
    for command in OURS:
        for option, word in zip(("", *command.words), command.words, strict=False):
            if FILE.match(word) and option not in WRITES and "://" not in word:
                assert word in OF_THE_READER or (ROOT / word).exists(), str(command)


def test_each_verb_has_a_reason_and_each_reason_a_verb():
    verbs = {command.words[1] for command in OURS}
    assert verbs == RUN | NOT_RUN.keys()
    assert not RUN & NOT_RUN.keys()
    assert all(any(option in command.words for command in OURS) for option in NOT_RUN_WITH)


# Other programs


@pytest.mark.parametrize("command", [each for each in COMMANDS if each.program.startswith("python")], ids=str)
def test_scripts_are_there(command):
    script = next((word for word in command.words[1:] if word.endswith(".py")), None)
    if script is not None:
        assert (ROOT / script).is_file()
    else:
        assert command.words[1:3] in {("-m", "venv"), ("-m", "pip"), ("-m", "pytest")}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_nothing_is_installed_by_a_name_that_no_registry_has(page):
    installs = re.findall(r"pip install ([^\n`&#]*)", page.read_text(encoding="utf-8"))
    assert not [what for what in installs if re.search(r"(?:^|\s|')hbprobe\b", what)], "install it from a clone: ."
