"""Makes the help pages and the manual out of the verbs: `python docs/man.py`.

It writes hbprobe/cli/pages.json, which `hbprobe VERB --help` prints, and docs/hbprobe.1.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from cyclopts import App, Parameter
from cyclopts.argument import Argument, ArgumentCollection
from cyclopts.group import sort_groups

from hbprobe import __version__
from hbprobe.cli.app import command_line
from hbprobe.cli.pages import HELP_FLAGS, PAGES, HelpPage, HelpPanel
from hbprobe.cli.verbs import ABOUT, EXIT_STATUS, VERBS

MANUAL = Path(__file__).parent / "hbprobe.1"

ENVIRONMENT = {
    "HBPROBE_PASSWORD": "The password of --user, where no --password-file is named.",
    "HBPROBE_CONTROL_TOKEN": "The token that callers of hbprobe proxy --control must send.",
    "NO_COLOR": "Where it is set and not empty, nothing is printed in colour.",
}


def pages() -> dict[str, HelpPage]:
    """Return each help page by what is asked for: "" is the overview, "profiles list" an action of a verb."""
    app = command_line()
    flags = [(" ".join(HELP_FLAGS), "print this page, or that of a verb"), ("--version -V", "print the version")]
    overview: HelpPage = {
        "usage": "hbprobe VERB [OPTIONS]",
        "about": [ABOUT],
        "panels": [_panel("Verbs", [*((name, verb.summary) for name, verb in VERBS.items()), *flags])],
        "examples": [],
        "closing": [EXIT_STATUS, "'hbprobe VERB --help' explains a verb."],
    }
    made = {"": overview}
    for name, verb in VERBS.items():
        made[name] = _page(name, app[name], [verb.summary, verb.about])
        for action in _actions(app[name]):
            full = f"{name} {action}"
            made[full] = _page(full, app[name][action], [app[name][action].help])
    return made


def _page(name: str, app: App, about: list[str]) -> HelpPage:
    if actions := _actions(app):
        usage, panels = "ACTION [OPTIONS]", [_panel("Actions", [(one, app[one].help) for one in actions])]
    else:
        taken = app.assemble_argument_collection(default_parameter=Parameter(negative=()), parse_docstring=False)
        shown = ArgumentCollection(one for one in taken if one.show and one.parameter.help)
        usage, panels = _usage(shown), [*_panels(shown)]
    return {
        "usage": f"hbprobe {name} {usage}",
        "about": about,
        "panels": panels,
        "examples": [*VERBS[name.split()[0]].examples],
        "closing": [],
    }


def _actions(app: App) -> list[str]:
    return [name for name in app if not name.startswith("-")]


def _panels(taken: ArgumentCollection) -> Iterator[HelpPanel]:
    for group in sort_groups(taken.groups, taken.groups)[0]:
        rows: dict[str, str] = {}
        for one in taken:
            if (
                group in one.parameter.group
            ):  # one that may be given several times is two, of which the first is needed
                rows.setdefault(_written(one), _explained(one))
        yield _panel(group.name, [*rows.items()], group.help)


def _panel(title: str, rows: list[tuple[str, str]], about: str = "") -> HelpPanel:
    return {"title": title, "about": about, "rows": rows}


def _usage(taken: ArgumentCollection) -> str:
    """Return what stands behind a verb: what it needs, what it may have, and in which order."""
    options = [one for one in taken if one.index is None]
    words = [_written(one) for one in options if one.required]
    if len(words) < len(options):
        words.append("[OPTIONS]")
    for name in dict.fromkeys(_written(one) for one in taken if one.index is not None):
        so_named = [one for one in taken if _written(one) == name]
        several = (
            f"{name}..." if any(one.field_info.kind is one.field_info.VAR_POSITIONAL for one in so_named) else name
        )
        words.append(several if any(one.required for one in so_named) else f"[{several}]")
    return " ".join(words)


def _written(argument: Argument) -> str:
    """Return how an argument is written: its names, and what stands for its value."""
    if argument.index is not None:
        return argument.name.removeprefix("--").upper()
    value = argument.parameter.metavar or "CHOICE"
    return " ".join((*argument.names, *([] if argument.hint is bool else [value])))


def _explained(argument: Argument) -> str:
    """Return what an argument is, what it may be, and whether it must be."""
    choices = argument.get_choices()
    listed = f"[choices: {', '.join(choices)}]" if choices else ""
    return " ".join(filter(None, (argument.parameter.help, listed, "[required]" if argument.required else "")))


def manual(pages: dict[str, HelpPage]) -> str:
    """Return the manual's page, as man(7) has it."""
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
        actions = {full: page for full, page in pages.items() if full.startswith(f"{name} ")}
        for full, page in (actions or {name: pages[name]}).items():
            if actions:
                lines += [".PP", rf"\fBhbprobe {full}\fR: {_text(page['about'][0])}."]
            for panel in page["panels"]:
                for written, explained in panel["rows"]:
                    lines += [".TP", _marked(written), _text(explained)]
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


def _marked(written: str) -> str:
    """Return how an argument is written, in roff: names are bold, what stands for a value is in italics."""
    return " ".join(rf"\f{'B' if word.startswith('-') else 'I'}{_text(word)}\fR" for word in written.split())


def _text(text: str) -> str:
    """Return text as roff takes it: nothing in it is a request, and each hyphen can be copied."""
    escaped = text.replace("\\", r"\e").replace("-", r"\-")
    return "\n".join(rf"\&{line}" if line[:1] in (".", "'") else line for line in escaped.splitlines())


if __name__ == "__main__":
    made = pages()
    PAGES.write_text(f"{json.dumps(made, indent=1, ensure_ascii=False)}\n", encoding="utf-8")
    MANUAL.write_text(manual(made), encoding="utf-8")
