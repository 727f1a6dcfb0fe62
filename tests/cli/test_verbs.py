"""Which verbs there are, and what their help says."""

import shlex

import pytest

from hbprobe.cli.app import command_line, parse
from hbprobe.cli.main import main
from hbprobe.cli.verbs import VERBS


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_has_examples_that_parse(verb):
    examples = VERBS[verb].examples
    assert len(examples) >= 2
    for command, _ in examples:
        words = shlex.split(command.replace('eval "$(', "").replace(')"', ""))
        assert words[:2] == ["hbprobe", verb]
        assert callable(parse(command_line(), words[1:]))


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
