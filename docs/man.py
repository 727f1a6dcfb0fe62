"""Makes the manual page out of what the command line itself knows: `python docs/man.py` writes docs/hbprobe.1."""

from collections.abc import Iterator
from pathlib import Path

from cyclopts import App, Parameter
from cyclopts.argument import Argument

from hbprobe import __version__
from hbprobe.cli.app import command_line
from hbprobe.cli.verbs import ABOUT, EXIT_STATUS, VERBS

PAGE = Path(__file__).parent / "hbprobe.1"

ENVIRONMENT = {
    "HBPROBE_PASSWORD": "The password of --user, where no --password-file is named.",
    "HBPROBE_CONTROL_TOKEN": "The token that callers of hbprobe proxy --control must send.",
    "NO_COLOR": "Where it is set and not empty, nothing is printed in colour.",
}


def page() -> str:
    """Return the page, as man(7) has it."""
    app = command_line()
    lines = [
        f'.TH HBPROBE 1 "" "hbprobe {__version__}" "User Commands"',
        ".SH NAME",
        r"hbprobe \- find, explain and reproduce the timers that kill long-lived requests",
        ".SH SYNOPSIS",
        r"\fBhbprobe\fR \fIVERB\fR [\fIOPTIONS\fR]",
        ".SH DESCRIPTION",
        _text(ABOUT),
        ".SH VERBS",
    ]
    for name, verb in VERBS.items():
        lines += [f".SS {name}", _text(f"{verb.summary[0].upper()}{verb.summary[1:]}."), ".PP", _text(verb.about)]
        lines += _options(app[name])
        for action in _actions(app[name]):
            lines += [".PP", rf"\fBhbprobe {name} {action}\fR: {_text(app[name][action].help)}."]
            lines += _options(app[name][action])
        for command, purpose in verb.examples:
            lines += [
                ".PP",
                _text(f"{purpose[0].upper()}{purpose[1:]}:"),
                ".PP",
                ".EX",
                rf"\&  {_text(command)}",
                ".EE",
            ]
    lines += [".SH EXIT STATUS", _text(EXIT_STATUS.removeprefix("Exit status: ")), ".SH ENVIRONMENT"]
    for name, meaning in ENVIRONMENT.items():
        lines += [".TP", rf"\fB{name}\fR", _text(meaning)]
    return "\n".join(lines) + "\n"


def _actions(app: App) -> list[str]:
    return [name for name in app if not name.startswith("-")]


def _options(app: App) -> Iterator[str]:
    if app.default_command is None:
        return
    for argument in app.assemble_argument_collection(default_parameter=Parameter(negative=())):
        if argument.show and argument.parameter.help:
            yield from (".TP", _written(argument), _text(_explained(argument)))


def _written(argument: Argument) -> str:
    """Return how an argument is written: its names, and what stands for its value."""
    metavar = argument.parameter.metavar
    if not argument.field_info.is_keyword:
        return rf"\fI{_text(argument.name.removeprefix('--').upper())}\fR"
    names = ", ".join(rf"\fB{_text(name)}\fR" for name in argument.names)
    is_flag = argument.hint is bool
    return names if is_flag or metavar is None else rf"{names} \fI{_text(metavar)}\fR"


def _explained(argument: Argument) -> str:
    choices = argument.get_choices()
    return f"{argument.parameter.help} (one of {', '.join(choices)})" if choices else argument.parameter.help or ""


def _text(text: str) -> str:
    """Return text as roff takes it: nothing in it is a request, and each hyphen can be copied."""
    escaped = text.replace("\\", r"\e").replace("-", r"\-")
    return "\n".join(rf"\&{line}" if line[:1] in (".", "'") else line for line in escaped.splitlines())


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
