"""Who logs in: the user as the request says, the password from it, a file, the environment or a prompt."""

import getpass
import logging
import os
import sys
from pathlib import Path

from hbprobe.eas.client import Account
from hbprobe.errors import RequestError
from hbprobe.files import remark_on_readers

_log = logging.getLogger(__name__)
PASSWORD_VARIABLE = "HBPROBE_PASSWORD"


def account_of(user: str | None, password: str | None, password_file: Path | None) -> Account:
    """Return who logs in; raises RequestError where that is not said."""
    if user is None:
        raise RequestError("{user} is missing: ActiveSync wants a login", "user")
    if not user or ":" in user or not user.isprintable():
        raise RequestError("{user} {value!r}: no name to log in with", "user", value=user)
    return Account(user, _password(user, password_file) if password is None else password)


def _password(user: str, file: Path | None) -> str:
    if file is not None:
        return _from_file(file)
    if (password := os.environ.get(PASSWORD_VARIABLE)) is not None:
        if any("\ud800" <= character <= "\udfff" for character in password):  # how Python reads what is no UTF-8
            raise RequestError("{variable}: is not text in UTF-8", "password_file", variable=PASSWORD_VARIABLE)
        return password
    if not sys.stdin.isatty():
        text = "no password: set {variable}, or name a file with {password_file}"
        raise RequestError(text, "password_file", variable=PASSWORD_VARIABLE)
    return getpass.getpass(f"password of {user}: ")


def _from_file(path: Path) -> str:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise _unusable(path, f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise _unusable(path, "is not text in UTF-8") from None
    if not lines or not lines[0]:
        raise _unusable(path, "its first line is empty")
    if remark := remark_on_readers(path):
        _log.warning("%s", remark)
    return lines[0]


def _unusable(path: Path, what: str) -> RequestError:
    return RequestError("{password_file} {path}: {what}", "password_file", path=path, what=what)
