"""What a user may say of a talk beside its URL: a login, STARTTLS, headers, a sub-protocol, bytes to send.

Which method takes what stands in the table of methods. What may be a secret is never an option: passwords and headers
come from a file, the environment or a prompt.
"""

import logging
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from hbprobe.errors import RequestError
from hbprobe.files import remark_on_readers
from hbprobe.measure.request import Connecting, File, LoggingIn, Searching, is_on_this_machine
from hbprobe.trial.methods.table import Takes, taking
from hbprobe.trial.talks.talk import NO_OPTIONS, TalkOptions

if TYPE_CHECKING:
    from hbprobe.eas.client import Account
    from hbprobe.measure.description import Description
    from hbprobe.net.target import Target
    from hbprobe.net.wire import Dialer
    from hbprobe.search.search import SearchSettings

_log = logging.getLogger(__name__)
HEADERS_VARIABLE = "HBPROBE_HEADERS"
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""A header's name, and a sub-protocol's (RFC 9110, 5.6.2)."""
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_OURS = {"host", "connection", "upgrade", "content-length", "transfer-encoding"}
_OUR_PREFIX = "sec-websocket-"
_SECRET = {"authorization", "cookie"}
_ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{2}|.|$)", re.DOTALL)
_ESCAPES = {"r": b"\r", "n": b"\n", "t": b"\t", "0": b"\0", "\\": b"\\"}


@dataclass(frozen=True, kw_only=True)
class Talking(Searching, LoggingIn, Connecting):
    """What is said of a talk with a server."""

    starttls: bool = False
    """begin TLS in the middle of the talk, by the protocol's own command"""
    subprotocol: Sequence[str] = ()
    """a sub-protocol of WebSocket to ask for; may be repeated"""
    headers: Mapping[str, str] | None = field(default=None, repr=False)
    """headers of the request that opens a WebSocket or a stream; never an option, for they may be secrets"""
    headers_file: File | None = None
    """a file of such headers, a line 'Name: value' each: Origin, Authorization (default: the variable
    HBPROBE_HEADERS)"""
    send: str | None = None
    r"""what is sent after the silence over tcp:// and tls://, with \r, \n, \t, \0, \xHH and \\ as in C"""
    expect: str | None = None
    """what an answer to it must hold, written likewise (default: any answer will do)"""

    def check(self) -> None:
        """Raise RequestError for what the method does not take, and for what cannot be sent."""
        for names, what in _FIELDS.items():
            said = next((name for name in names if getattr(self, name) not in (None, False, ())), None)
            if said is not None and what not in self.traits.takes:
                fields = " and ".join(f"{{{name}}}" for name in names if name not in _UNWRITTEN)
                verb = "goes" if " and " not in fields else "go"
                raise RequestError(f"{fields} {verb} with {{method}} {taking(what)}", said)
        for name in self.subprotocol:
            if not _TOKEN.fullmatch(name):
                raise RequestError("{subprotocol} {value!r}: no name of a sub-protocol", "subprotocol", value=name)
        if self.password_file is not None and self.user is None and not self.traits.needs_account:
            raise RequestError("{password_file} goes with {user}", "password_file")
        if self.expect is not None and self.send is None:
            raise RequestError("{expect} goes with {send}: nothing else is answered", "expect")
        if self.send is not None and not _bytes("send", self.send):
            raise RequestError("{send}: nothing to send", "send")
        _bytes("expect", self.expect or "")
        super().check()

    def login(self, target: "Target") -> "Account | None":
        """Return who logs in, where the method needs to know; raises RequestError as `account` does."""
        return self.account(target) if self.traits.needs_account else None

    def talk(self, target: "Target") -> TalkOptions:
        """Return what is said of the talk; raises RequestError where a secret is missing, or has no TLS around it."""
        if not self.traits.talk:
            return NO_OPTIONS
        if self.starttls and target.tls:
            text = "{starttls}: {scheme}:// speaks TLS from its beginning: drop {starttls}"
            raise RequestError(text, "starttls", scheme=target.scheme)
        user, password = "", ""
        if self.user is not None:
            account = self.account(target, secured=self.starttls)
            user, password = account.user, account.password
        return TalkOptions(
            user=user,
            password=password,
            starttls=self.starttls,
            headers=self._headers(target) if Takes.HEADERS in self.traits.takes else (),
            subprotocols=tuple(self.subprotocol),
            send=_bytes("send", self.send or ""),
            expect=_bytes("expect", self.expect or ""),
        )

    def dialer(self, target: "Target") -> "Dialer":
        """Return what opens connections to a target, and starts TLS later where that is said.

        Raises RequestError as `tls` and `start_to` do.
        """
        from hbprobe.net.wire import Dialer

        tls = self.tls(target, starttls=self.starttls)
        return Dialer(target, tls, start=self.start_to(target), later=self.starttls, offers=self.traits.alpn)

    def described(self, target: str, search: "SearchSettings", talk: TalkOptions, **said: str) -> "Description":
        """Say what makes another measurement: a journal goes on only with the same."""
        from hbprobe.measure.description import describe, secrets_of, told_of

        return describe(target, self.method, search, secrets_of(talk), **told_of(self), **said)

    def _headers(self, target: "Target") -> tuple[tuple[str, str], ...]:
        found = self._found_headers()
        for name, value in found:
            known = name.lower()
            if not _TOKEN.fullmatch(name) or not _VALUE.fullmatch(value):
                raise RequestError("{headers_file}: {name!r} is no header of HTTP", "headers_file", name=name)
            if known in _OURS or known.startswith(_OUR_PREFIX):
                raise RequestError("{headers_file}: {name}: hbprobe says that itself", "headers_file", name=name)
            if known in _SECRET and not target.tls and not is_on_this_machine(target):
                text = "{headers_file}: {name} would go in the clear: use wss:// or sse+https://"
                raise RequestError(text, "headers_file", name=name)
        return found

    def _found_headers(self) -> tuple[tuple[str, str], ...]:
        if self.headers is not None:
            return tuple(self.headers.items())
        if self.headers_file is not None:
            from hbprobe.measure.account import text_of

            path = Path(self.headers_file)
            text = text_of(path, "headers_file")
            if remark := remark_on_readers(path):
                _log.warning("%s", remark)
        else:
            text = os.environ.get(HEADERS_VARIABLE, "")
        return tuple(_header(line) for line in text.splitlines() if line.strip())


_FIELDS = {
    ("user", "password_file", "password"): Takes.LOGIN,
    ("token_file", "token_command"): Takes.TOKEN,
    ("starttls",): Takes.STARTTLS,
    ("subprotocol",): Takes.SUBPROTOCOLS,
    ("headers_file", "headers"): Takes.HEADERS,
    ("send", "expect"): Takes.BYTES,
}
"""The fields that say each thing."""
_UNWRITTEN = ("password", "headers")
"""They are no options."""


def _header(line: str) -> tuple[str, str]:
    """Read one line; what it holds may be a secret, and is in no message."""
    name, colon, value = line.partition(":")
    if not colon:
        raise RequestError("{headers_file}: write a line 'Name: value' for each header", "headers_file")
    return name.strip(), value.strip()


def _bytes(name: str, text: str) -> bytes:
    """Read bytes as a user writes them; raises RequestError."""
    found, at = b"", 0
    for match in _ESCAPE.finditer(text):
        code = match[1]
        said = bytes((int(code[1:], 16),)) if len(code) == 3 else _ESCAPES.get(code)
        if said is None:
            hint = r"write \\ for a backslash; there are \r, \n, \t, \0 and \xHH"
            raise RequestError(f"{{{name}}}: {{escape}} means nothing: {{hint}}", name, escape=match[0], hint=hint)
        found += text[at : match.start()].encode() + said
        at = match.end()
    return found + text[at:].encode()
