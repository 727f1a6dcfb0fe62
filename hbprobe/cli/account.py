"""Who logs in: the user from the command line, the password never."""

import argparse
import getpass
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from hbprobe.errors import UserError
from hbprobe.files import remark_on_readers

if TYPE_CHECKING:
    from hbprobe.eas.client import Account
    from hbprobe.net.wire import Target

PASSWORD_VARIABLE = "HBPROBE_PASSWORD"
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def add_account(parser: argparse.ArgumentParser) -> None:
    """Add the user, and where the password comes from."""
    group = parser.add_argument_group("login")
    group.add_argument("--user", metavar="NAME", help=r"who logs in: NAME, DOMAIN\NAME or NAME@DOMAIN")
    group.add_argument(
        "--password-file",
        type=Path,
        metavar="FILE",
        help=f"a file whose first line is the password (default: the variable {PASSWORD_VARIABLE}, else a prompt)",
    )


def account(args: argparse.Namespace, target: "Target") -> "Account":
    """Return who logs in; raises UserError where that is not said, or where the password would go in the clear."""
    from hbprobe.eas.client import Account

    if args.user is None:
        raise UserError("--user is missing: ActiveSync wants a login")
    if not args.user or ":" in args.user or not args.user.isprintable():
        raise UserError(f"--user {args.user!r}: no name to log in with")
    if not target.tls and target.host not in _LOOPBACK:
        raise UserError("a password goes over https only; http is for a server on this machine")
    return Account(args.user, _password(args))


def _password(args: argparse.Namespace) -> str:
    if args.password_file is not None:
        return _from_file(args.password_file)
    if (password := os.environ.get(PASSWORD_VARIABLE)) is not None:
        if not password.isprintable() and any("\ud800" <= character <= "\udfff" for character in password):
            raise UserError(f"{PASSWORD_VARIABLE}: is not text in UTF-8")
        return password
    if not sys.stdin.isatty():
        raise UserError(f"no password: set {PASSWORD_VARIABLE}, or name a file with --password-file")
    return getpass.getpass(f"password of {args.user}: ")


def _from_file(path: Path) -> str:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
        if remark := remark_on_readers(path):
            print(f"--password-file {remark}", file=sys.stderr)
    except OSError as error:
        raise UserError(f"--password-file {path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UserError(f"--password-file {path}: is not text in UTF-8") from None
    if not lines or not lines[0]:
        raise UserError(f"--password-file {path}: its first line is empty")
    return lines[0]
