"""Who may log in, and Basic authentication (https://www.rfc-editor.org/rfc/rfc7617)."""

import base64
import binascii
import hashlib
import hmac
from functools import cached_property
from typing import Annotated

from pydantic import AfterValidator

from hbprobe.profiles.values import Name, Strict


def _distinct(users: dict[str, str]) -> dict[str, str]:
    """Refuse names that nobody could log in with, or two that mean the same."""
    if not users:
        raise ValueError("name at least one user, as in alice: PASSWORD")
    seen: dict[str, str] = {}
    for name in users:
        if not mailbox_of(name):
            raise ValueError(f"{name!r} is no name of a user")
        other = seen.setdefault(mailbox_of(name), name)
        if other != name:
            raise ValueError(f"{other} and {name} are the same user: leave one out")
    return users


class Users(Strict):
    """The users that there are, each with a password."""

    users: Annotated[dict[Name, str], AfterValidator(_distinct)]
    """A password for each name."""

    def admits(self, login: str, password: str) -> bool:
        """Return whether that is the password of that user.

        It takes as long for a name that does not exist, and whatever the password's length.
        """
        right = self._by_mailbox.get(mailbox_of(login))
        same = hmac.compare_digest(_digest(right or ""), _digest(password))
        return same and right is not None

    @cached_property
    def _by_mailbox(self) -> dict[str, str]:
        return {mailbox_of(name): password for name, password in self.users.items()}


def mailbox_of(login: str) -> str:
    r"""Return the user behind `alice`, `Alice` and `EXAMPLE\alice`."""
    return login.rpartition("\\")[2].casefold()


def read_basic(header: str) -> tuple[str, str] | None:
    """Return name and password of an Authorization header; None for what is no Basic one."""
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        login, colon, password = base64.b64decode(token.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None
    return (login, password) if colon and mailbox_of(login) else None


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
