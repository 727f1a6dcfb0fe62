"""What pseudonyms leave of each column of a log, as SQL: what may name somebody is hashed, cut down or left out."""

import re
from collections.abc import Callable, Mapping
from typing import Final

from hbprobe.eas.log_blob import ELEMENTS, Form, read_blob
from hbprobe.eas.query import COMMANDS

_METHODS: Final = ("POST", "OPTIONS", "GET", "HEAD", "PUT", "DELETE", "TRACE", "CONNECT", "PATCH")
_WORD: Final = "[A-Z][A-Za-z]*(_[A-Z][A-Za-z]*)*"
"""What a program calls a reason, as in DeviceNotProvisioned or Timer_ConnectionIdle."""
_PATH: Final = r"(?i)^/Microsoft-Server-ActiveSync(/proxy)?(/default\.eas)?"
_ITEMS: Final = re.compile(r"([0-9]+[a-z])+|[A-Z][a-z]")
"""Counts of items and the class of a folder, as in 1a0c2d0s0e0r and Em."""
LEFT_OF_FOLDERS: Final = "left_of_folders"
"""The function of this module under the name that the SQL calls it by."""


def _known(names: tuple[str, ...]) -> Callable[[str], str]:
    listed = ", ".join(f"'{name}'" for name in names)
    return lambda column: f"CASE WHEN {column} IN ({listed}) THEN {column} ELSE pseudonym({column}) END"


def _word(column: str) -> str:
    return f"CASE WHEN regexp_full_match({column}, '{_WORD}') THEN {column} ELSE pseudonym({column}) END"


def _path(column: str) -> str:
    return f"nullif(regexp_extract({column}, '{_PATH}'), '')"


HIDDEN: Final[Mapping[str, Callable[[str], str]]] = {
    **dict.fromkeys(("user_name", "user_raw", "login", "device"), "pseudonym({})".format),
    **dict.fromkeys(("client", "forwarded_for"), "hashed_address({})".format),
    **dict.fromkeys(("error", "access", "sync_type", "reason"), _word),
    **dict.fromkeys(("stem", "uri"), _path),
    "command": _known(tuple(COMMANDS.values())),
    "method": _known(_METHODS),
    "query": lambda _: "CAST(NULL AS VARCHAR)",
    "folders": f"{LEFT_OF_FOLDERS}({{}})".format,
}
"""What is made of the columns of text that may name a user or a device."""
SHOWN: Final = frozenset(
    (
        "role", "server", "site", "server_ip", "host", "device_type", "user_agent", "mailbox_server", "front_end",
        "site_id", "queue", "source",
    )
)  # fmt: skip
"""The columns of text that stay: they are of servers, of kinds of devices, or the name of the log."""


def left_of_folders(text: str) -> str:
    """Return the elements of folders that are counts and classes; Exchange's text behind them may tell anything."""
    left = [(name, "0" if name == "Fid" else value) for name, value in read_blob(text).elements]
    return "".join(
        f"{name}:{value}_" for name, value in left if name in ELEMENTS and _is_plain(ELEMENTS[name], value)
    )


def _is_plain(form: Form, value: str) -> bool:
    is_number = value.isascii() and value.isdecimal()
    return form is not Form.TIME and (is_number or (form is Form.TEXT and _ITEMS.fullmatch(value) is not None))
