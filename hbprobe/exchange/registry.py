r"""The heartbeat settings of Exchange Server 2003, in what the registry editor exports of MasSync\Parameters.

They are DWORDs of seconds, and of samples, below HKLM\SYSTEM\CurrentControlSet\Services:
https://mskb.pkisolutions.com/kb/905013. The form of the file:
https://support.microsoft.com/en-us/topic/9c7f37cf-a5e9-e1cd-c4fa-2a26218a1a23.
"""

import codecs
import re
from typing import Final

from hbprobe.errors import UserError
from hbprobe.exchange.webconfig import Entry

_FIRST_LINES: Final = ("Windows Registry Editor Version 5.00", "REGEDIT4")
_KEY: Final = re.compile(
    r"\[HKEY_LOCAL_MACHINE\\SYSTEM\\(?:CurrentControlSet|ControlSet\d{3})\\Services\\MasSync\\Parameters\]",
    re.IGNORECASE,
)
_VALUE: Final = re.compile(r'"([^"]*)"\s*=\s*(.*)')
_DWORD: Final = re.compile(r"dword:([0-9a-f]{1,8})", re.IGNORECASE)
_NAMES: Final = {"minheartbeatinterval", "maxheartbeatinterval", "hbisamplesize", "hbialertthreshold"}
_MEND: Final = r"export HKLM\SYSTEM\CurrentControlSet\Services\MasSync\Parameters of the Exchange 2003 server"


def is_export(data: bytes) -> bool:
    """Whether it begins as the registry editor begins a file."""
    return _text(data[:200]).lstrip().startswith(_FIRST_LINES)


def read_export(data: bytes, name: str) -> dict[str, Entry]:
    r"""Return the numbers of MasSync\Parameters, by name in lower case; `name` is what messages call the file.

    Raises UserError, with the line, where the key is not in it, or one of the four values is no DWORD.
    """
    entries: dict[str, Entry] = {}
    found = inside = False
    for line, text in enumerate(_text(data).splitlines(), 1):
        if text.startswith("["):
            inside = _KEY.fullmatch(text.strip()) is not None
            found = found or inside
        elif inside and (match := _VALUE.fullmatch(text.strip())):
            key, value = match[1], match[2]
            number = _DWORD.fullmatch(value)
            if number is None:
                if key.lower() not in _NAMES:
                    continue
                raise UserError(f"{name}:{line}: {key} is no DWORD, such as dword:0000003c: {_MEND}")
            before = entries.get(key.lower())
            entries[key.lower()] = Entry(str(int(number[1], 16)), line, before.first_line if before else line, key)
    if not found:
        raise UserError(rf"{name}: has no key MasSync\Parameters: {_MEND}")
    return entries


def _text(data: bytes) -> str:
    """Decode: version 5 is UTF-16 as the editor writes it, and UTF-8 once somebody has saved it again."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace")
    if data[1:2] == b"\0":
        return data.decode("utf-16-le", "replace")
    return data.decode("utf-8-sig", "replace")
