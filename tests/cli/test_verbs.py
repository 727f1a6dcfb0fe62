"""Which verbs there are, and what their help says."""

import inspect
import shlex
import subprocess
import sys

import pytest

from hbprobe.cli.app import command_line, parse
from hbprobe.cli.main import main
from hbprobe.cli.verbs import VERBS
from hbprobe.errors import UserError


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_has_examples_that_parse(verb):
    examples = VERBS[verb].examples
    assert len(examples) >= 2
    for command, _ in examples:
        words = shlex.split(command.replace('eval "$(', "").replace(')"', ""))
        assert words[:2] == ["hbprobe", verb]
        assert callable(parse(command_line(), words[1:]))


ACTIONS = [name for name in command_line()["profiles"] if not name.startswith("-")]


@pytest.mark.parametrize(
    "words",
    [*([verb] for verb in VERBS if verb not in ("help", "profiles")), *(["profiles", one] for one in ACTIONS)],
)
@pytest.mark.parametrize("before", [[], ["cisco-asa"]])
def test_an_option_that_looks_like_a_number_is_an_option(words, before):
    """And no profile, file or URL of that name, wherever it stands."""
    for option in ("-5", "-.5", "-60s"):
        with pytest.raises(UserError, match=rf"^{option}: no such option; see hbprobe {' '.join(words)} --help"):
            parse(command_line(), [*words, *before, option])


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            "diagnose --lab cisco-asa azure-load-balancer -4",
            {"ipv4": True, "lab": ("cisco-asa", "azure-load-balancer")},
        ),
        ("probe -6 https://h/ --max -1", {"ipv6": True, "max": "-1"}),
        ("locate --raw -4 https://h/", {"raw": True, "ipv4": True}),
        ("lab --seed -4 cisco-asa", {"seed": -4}),
        ("lab -- -4", {}),
    ],
)
def test_what_follows_an_option_that_takes_a_value_is_its_value(line, said):
    call = parse(command_line(), line.split())
    bound = inspect.getclosurevars(call).nonlocals["bound"]
    assert said.items() <= bound.arguments.items()


@pytest.mark.parametrize("verb", VERBS)
def test_an_example_on_the_page_is_one_that_a_shell_runs(verb, capsys):
    main([verb, "--help"])
    page = capsys.readouterr().out
    shown = page[page.index("\nExamples:") :].replace("\\\n", "")
    for command, purpose in VERBS[verb].examples:
        assert f"  # {purpose}\n" in shown
        assert shlex.split(command) in [
            shlex.split(line) for line in shown.splitlines() if line.startswith("  hbprobe ")
        ] or (command.startswith("eval"))


@pytest.mark.parametrize(
    "words",
    [
        ["serve", "--tls", "off"],
        ["toxiproxy"],
        ["proxy", "open-path", "--upstream", "127.0.0.1:1", "--control", "127.0.0.1:0"],
    ],
    ids=lambda words: words[0],
)
def test_a_verb_that_only_serves_does_not_read_the_systems_ca_store(words):
    code = (
        "import ssl, sys\n"
        "from hbprobe import warp\n"
        "from hbprobe.cli.main import main\n"
        "ssl.SSLContext.set_default_verify_paths = lambda self: print('read the CA store')\n"
        "ssl.SSLContext.load_default_certs = lambda *_: print('read the CA store')\n"
        "warp.run = lambda serving, clock: serving.close()\n"
        f"assert main({words!r}) == 0\n"
        "import hbprobe.farend.server, hbprobe.web.box_page\n"
        "print('aiohttp' in sys.modules)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "True\n"
