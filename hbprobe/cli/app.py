"""The tree of verbs: which module does what, and what is said of a command line that is wrong."""

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter
from cyclopts.exceptions import (
    ArgumentOrderError,
    CoercionError,
    ConsumeMultipleError,
    CycloptsError,
    MissingArgumentError,
    RepeatArgumentError,
    UnknownCommandError,
    UnknownOptionError,
    UnusedCliTokensError,
)

from hbprobe import __version__
from hbprobe.cli.options import ARGUMENTS, OPTIONS
from hbprobe.cli.pages import HELP_FLAGS, before_the_mark
from hbprobe.cli.verbs import VERBS
from hbprobe.errors import UserError
from hbprobe.profiles.mistakes import nearest

if TYPE_CHECKING:
    from cyclopts.argument import Argument

_PROGRAM = "hbprobe"
_HERE = {"completion", "help"}
"""The verbs that are about the command line itself; each of the others is a module of its name."""

_LIKE_A_NUMBER = re.compile(r"-\.?[0-9].*")

_ZSH = """
if [[ $funcstack[1] == _cyclopts_hbprobe ]]; then _cyclopts_hbprobe "$@"; else compdef _cyclopts_hbprobe hbprobe; fi
"""
"""Lets zsh take the script both ways: as a file of its own in $fpath, and sourced in ~/.zshrc."""


def command_line() -> App:
    """Return the tree; no verb's module is imported before its verb is asked for."""
    app = App(
        name=_PROGRAM,
        version=f"{_PROGRAM} {__version__}",
        version_flags=("--version", "-V"),
        default_parameter=Parameter(negative=(), allow_repeating=True),
        group_arguments=ARGUMENTS,
        group_parameters=OPTIONS,
    )
    for name, verb in VERBS.items():
        if name not in _HERE:
            app.command(f"hbprobe.cli.{name}:{name}", name=name, help=verb.summary)

    def help_(*verb: Annotated[str, Parameter(name="VERB", help="which verb, and which action of it")]) -> None:
        """Say what is wrong with the name of a page that there is not."""
        parse(app, verb)  # says so of a verb and of an action
        raise UserError(f"{verb[-1]!r}: nothing more was expected here; see {_PROGRAM} help --help")

    def completion(shell: Annotated[Literal["bash", "zsh", "fish"], Parameter(help="which shell")], /) -> int:
        """Print what a shell is to read."""
        script = app.generate_completion(prog_name=_PROGRAM, shell=shell)
        print(script + (_ZSH if shell == "zsh" else ""), end="")
        return 0

    for name, act in (("completion", completion), ("help", help_)):
        app.command(act, name=name, help=VERBS[name].summary)
    return app


def parse(app: App, argv: Sequence[str]) -> Callable[[], int | None]:
    """Return what the command line asks for, ready to be called; raises UserError where it cannot be read."""
    before = before_the_mark(argv)
    words = [*_sorted_out(app, [word for word in before if word not in HELP_FLAGS]), *argv[len(before) :]]
    try:
        command, bound, _ = app.parse_args(words, exit_on_error=False, print_error=False)
    except CycloptsError as error:
        raise UserError(_said(error)) from None
    return lambda: command(*bound.args, **bound.kwargs)


def _sorted_out(app: App, words: list[str]) -> list[str]:
    """Return the words with options such as -4 in front of all others; raises UserError for one that there is not.

    They look like numbers, and would be taken for the values that an argument or an option may have several of. A
    word after an option that takes a value is a value.
    """
    if not any(map(_LIKE_A_NUMBER.fullmatch, words)):
        return words
    chain, apps, said = app.parse_commands(words)
    if not chain or apps[-1].default_command is None:
        return words
    known = {name: each for each in apps[-1].assemble_argument_collection() for name in each.names}
    first: list[str] = []
    rest: list[str] = []
    for before, word in zip(("", *said), said, strict=False):
        is_option, takes = before.startswith("-") and "=" not in before, known.get(before)
        if not _LIKE_A_NUMBER.fullmatch(word) or (is_option and (takes is None or takes.hint is not bool)):
            rest.append(word)
        elif word in known:
            first.append(word)
        else:
            raise UserError(f"{word}: no such option; see {' '.join((_PROGRAM, *chain))} --help")
    return [*chain, *first, *rest]


def _said(error: CycloptsError) -> str:
    """Say in one line what is wrong with a command line, and where its help is."""
    asked = " ".join((_PROGRAM, *(error.command_chain or ())))
    return f"{_wrong(error)}; see {asked} --help"


def _wrong(error: CycloptsError) -> str:
    match error:
        case UnknownCommandError():
            return _unknown_verb(error)
        case UnknownOptionError():
            name = (error.token.keyword or error.token.value).partition("=")[0]
            known = [one for argument in error.argument_collection for one in argument.names]
            return f"{name}: no such option{_meant(name, known)}"
        case ConsumeMultipleError() | MissingArgumentError() if error.argument is not None:
            name = _name(error.argument)
            words = [word for word in error.unused_tokens or () if word.startswith("--") and word != name]
            if near := next((word for word in words if nearest(word, [name])), None):
                return f"{near}: no such option (did you mean {name}?)"
            given = error.keyword is not None or bool(error.argument.tokens)
            return f"{name}: a value is missing" if given else f"{name} is missing"
        case CoercionError() if error.argument is not None:
            return _not_read(error, error.argument)
        case RepeatArgumentError():
            return f"{error.token.keyword or error.token.value}: is given twice"
        case UnusedCliTokensError() if error.unused_tokens:
            return f"{error.unused_tokens[0]!r}: nothing more was expected here"
        case ArgumentOrderError():
            return f"{error.token!r}: nothing more was expected here"
        case _:
            return str(error).replace("\n", " ").rstrip(".")


def _unknown_verb(error: UnknownCommandError) -> str:
    word = (error.unused_tokens or [""])[0]
    app = error.app
    kind = "action" if error.command_chain else "verb"
    known = [] if app is None else [name for name in app if not name.startswith("-")]
    if word.startswith("-"):
        return f"{word}: no such option"
    choices = f" (choose from {', '.join(known)})"
    return f"{word!r}: no such {kind}{_meant(word, known) or choices}"


def _not_read(error: CoercionError, argument: "Argument") -> str:
    name = error.token.keyword if error.token is not None and error.token.keyword else _name(argument)
    value = "" if error.token is None else error.token.value
    if error.msg is not None:
        return f"{name}: {error.msg}"
    if choices := argument.get_choices():
        return f"{name} {value}: choose from {', '.join(choices)}{_meant(value, choices)}"
    return f"{name}: takes no value" if argument.hint is bool else f"{name}: {value!r} cannot be read"


def _name(argument: "Argument") -> str:
    """Return an argument's name as its help has it."""
    is_option = argument.field_info.is_keyword_only or not argument.name.startswith("--")
    return argument.name if is_option else argument.name.removeprefix("--").upper()


def _meant(word: str, known: Sequence[str]) -> str:
    near = nearest(word, list(known))
    return f" (did you mean {near}?)" if near else ""
