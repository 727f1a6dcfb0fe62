"""What docs/fleet.md says can be typed and loaded."""

import json
import re
import shlex
from pathlib import Path

import pytest

from hbprobe.cli.app import command_line, parse
from hbprobe.cli.main import main
from hbprobe.fleet.mix import MixFile, load_mix
from hbprobe.profiles.catalogue import Catalogue

DOCUMENT = (Path(__file__).parents[2] / "docs" / "fleet.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^    hbprobe (.*)$", DOCUMENT, re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS)
def test_its_commands_are_commands(command):
    parse(command_line(), shlex.split(command))


def test_there_are_as_many_commands_as_were_run():
    assert len(COMMANDS) == 5


def test_its_mix_is_one(tmp_path):
    (example,) = re.findall(r"```yaml\n(.*?)```", DOCUMENT, re.DOTALL)
    file = tmp_path / "example.yaml"
    file.write_text(example, encoding="utf-8")
    mix = load_mix(file, Catalogue())
    assert [path.name for path in mix.paths] == ["wifi", "mobile", "train"]
    assert mix.firewall_profile.id == "fortinet-fortigate"


def test_every_key_is_explained():
    for key in MixFile.model_fields:
        assert f"| `{key}` |" in DOCUMENT, key


def test_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", DOCUMENT):
        assert (Path(__file__).parents[2] / "docs" / target).exists(), target


def keys_of(document):
    for key, value in document.items():
        yield key
        for inner in value if isinstance(value, list) else [value]:
            if isinstance(inner, dict) and key != "settings":
                yield from keys_of(inner)


@pytest.mark.parametrize(
    "arguments",
    [
        ["fleet"],
        ["fleet", "--sweep-share", "wifi"],
        ["fleet", "--sockets", "--path", "open-path"],
        ["size", "--step", "30min"],
    ],
)
def test_every_key_of_the_documents_is_explained(arguments, capsys):
    main([*arguments, "--devices", "3", "--days", "0.1", "--json"])
    document = json.loads(capsys.readouterr().out)
    assert f"| `{document['schema']}` |" in DOCUMENT
    for key in set(keys_of(document)) - {"schema"}:
        assert f"`{key}`" in DOCUMENT or (key.endswith("_peak") and "`..._peak`" in DOCUMENT), key
