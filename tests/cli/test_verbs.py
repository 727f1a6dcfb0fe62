"""Which verbs there are, and what their help says."""

import shlex

import pytest

from hbprobe.cli.app import command_line, parse
from hbprobe.cli.main import main
from hbprobe.cli.verbs import VERBS


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb != "profiles"])
def test_its_usage_is_what_it_takes(verb):
    taken = command_line()[verb].assemble_argument_collection(parse_docstring=False)
    operands: dict[str, bool] = {}
    for one in taken:
        if one.index is not None:  # the first of several is one argument, the others are another of that name
            operands.setdefault(one.name.removeprefix("--").upper(), one.required)
    options = {one.name: one.required for one in taken if one.index is None and one.name.startswith("-")}
    words = VERBS[verb].usage.replace("...", "").split()
    assert [word for word in words if word.strip("[]") in operands] == [
        name if is_needed else f"[{name}]" for name, is_needed in operands.items()
    ]
    assert {word for word in words if word.startswith("--")} == {name for name in options if options[name]}
    assert ("[OPTIONS]" in words) is not all(options.values())


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
