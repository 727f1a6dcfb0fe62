"""Who logs in: the user as the request says, with a password or a bearer token that is in no text about it."""

import asyncio
import getpass
import logging
import os
import re
import subprocess
import sys
from pathlib import Path

from hbprobe.eas.client import Account
from hbprobe.errors import RequestError
from hbprobe.files import remark_on_readers

_log = logging.getLogger(__name__)
PASSWORD_VARIABLE = "HBPROBE_PASSWORD"
_TOKEN = re.compile(r"[A-Za-z0-9\-._~+/]+=*")
"""What a bearer token is made of (RFC 6750, section 2.1)."""
_COMMAND_PATIENCE_S = 60.0
_RENEW_S = 600.0
"""A token that a command gave is used for so long; those of Microsoft's cloud live for an hour at least
(https://learn.microsoft.com/en-us/entra/identity-platform/configurable-token-lifetimes)."""


def account_of(
    user: str | None,
    *,
    password: str | None = None,
    password_file: Path | None = None,
    token_file: Path | None = None,
    token_command: str | None = None,
) -> Account:
    """Return who logs in; raises RequestError where that is not said."""
    if user is None:
        raise RequestError("{user} is missing: ActiveSync wants a login", "user")
    if not user or ":" in user or not user.isprintable():
        raise RequestError("{user} {value!r}: no name to log in with", "user", value=user)
    if token_file is not None:
        return Account(user, bearer=TokenFile(token_file))
    if token_command is not None:
        return Account(user, bearer=TokenCommand(token_command))
    return Account(user, _password(user, password_file) if password is None else password)


def _password(user: str, file: Path | None) -> str:
    if file is not None:
        return _first_line(file, "password_file")
    if (password := os.environ.get(PASSWORD_VARIABLE)) is not None:
        if any("\ud800" <= character <= "\udfff" for character in password):  # how Python reads what is no UTF-8
            raise RequestError("{variable}: is not text in UTF-8", "password_file", variable=PASSWORD_VARIABLE)
        return password
    if not sys.stdin.isatty():
        text = "no password: set {variable}, or name a file with {password_file}; for a token use {token_file}"
        raise RequestError(text, "password_file", variable=PASSWORD_VARIABLE)
    return getpass.getpass(f"password of {user}: ")


class TokenFile:
    """A bearer token out of a file, which somebody else may keep fresh: it is read again for each use."""

    def __init__(self, path: Path) -> None:
        """Raise RequestError for a file that holds none."""
        self._path = path
        self._token = self._read(warns=True)

    def __str__(self) -> str:
        return self._token

    def __eq__(self, other: object) -> bool:
        """Say whether it is the same file: what is in it changes."""
        return isinstance(other, TokenFile) and other._path == self._path

    def __hash__(self) -> int:
        return hash(self._path)

    async def renew(self) -> None:
        """Read the file again; where it holds none at this moment, the token before stays."""
        try:
            self._token = self._read(warns=False)
        except RequestError as error:
            _log.warning("%s", error)

    def _read(self, *, warns: bool) -> str:
        return _token(_first_line(self._path, "token_file", warns=warns), "token_file", str(self._path))


class TokenCommand:
    """A bearer token that a command prints, which is run again from time to time, for tokens expire."""

    def __init__(self, command: str) -> None:
        """Raise RequestError for a command that fails, or prints none."""
        self._command = command
        self._token = self._run()
        self._since_s: float | None = None

    def __str__(self) -> str:
        return self._token

    async def renew(self) -> None:
        """Run the command again where the token is old; where that fails, the token before stays."""
        now_s = asyncio.get_running_loop().time()
        if self._since_s is None:
            self._since_s = now_s  # it was asked for right before the measurement
        if now_s - self._since_s < _RENEW_S:
            return
        try:
            self._token = await asyncio.to_thread(self._run)
            self._since_s = now_s
        except RequestError as error:
            _log.warning("%s", error)

    def _run(self) -> str:
        try:
            done = subprocess.run(
                self._command,
                shell=True,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                timeout=_COMMAND_PATIENCE_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise _unusable("token_command", self._command, f"gave none in {_COMMAND_PATIENCE_S:g} s") from None
        if done.returncode:
            raise _unusable("token_command", self._command, f"ended with status {done.returncode}")
        lines = done.stdout.decode(errors="replace").strip().splitlines()
        return _token(lines[0] if len(lines) == 1 else "", "token_command", self._command)


def _token(text: str, field: str, where: str) -> str:
    token = text.strip().removeprefix("Bearer ").strip()
    if not _TOKEN.fullmatch(token):
        what = (
            "is no bearer token: one line of letters, digits and -._~+/= is wanted, as az account get-access-token "
            "--query accessToken -o tsv prints it"
        )
        raise _unusable(field, where, what)
    return token


def text_of(path: Path, field: str) -> str:
    """Return the text of the file that a field names; raises RequestError where it has none."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise _unusable(field, str(path), f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise _unusable(field, str(path), "is not text in UTF-8") from None


def _first_line(path: Path, field: str, *, warns: bool = True) -> str:
    lines = text_of(path, field).splitlines()
    if not lines or not lines[0]:
        raise _unusable(field, str(path), "its first line is empty")
    if warns and (remark := remark_on_readers(path)):
        _log.warning("%s", remark)
    return lines[0]


def _unusable(field: str, where: str, what: str) -> RequestError:
    return RequestError(f"{{{field}}} {{where}}: {{what}}", field, where=where, what=what)
