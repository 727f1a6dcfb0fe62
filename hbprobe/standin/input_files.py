"""The files that the stand-in is given: to values, or to one line that says what to mend."""

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from hbprobe.errors import UserError
from hbprobe.exchange.settings_files import RIGHT_FILE
from hbprobe.profiles.loader import read_as, read_text
from hbprobe.profiles.mistakes import printable
from hbprobe.standin.admin_rules import AdminRules
from hbprobe.standin.users import Users
from hbprobe.standin.webconfig_rules import FilteringRule, Limits, read_filtering_rules, read_limits

_Kind = TypeVar("_Kind", bound=BaseModel)


def load_users(path: Path) -> Users:
    """Read a file of users; raises UserError, which names file, line, key and mend, but no password."""
    return _load(Users, path, "write users: and below it a line NAME: PASSWORD for each")


def load_rules(path: Path) -> AdminRules:
    """Read a file of rules; raises UserError, which names file, line, key and mend."""
    return _load(AdminRules, path, f"write one of {', '.join(AdminRules.model_fields)}")


def load_filtering_rules(path: Path) -> tuple[FilteringRule, ...]:
    """Read the rules of a web.config; raises UserError for what cannot be one."""
    return read_filtering_rules(_web_config(path), str(path))


def load_limits(path: Path) -> Limits:
    """Read the limits of a web.config; raises UserError for what cannot be one."""
    return read_limits(_web_config(path), str(path))


def _web_config(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}: {RIGHT_FILE}") from None


def _load(kind: type[_Kind], path: Path, mend: str) -> _Kind:
    text, name = read_text(path), printable(str(path))
    if not text.strip():
        raise UserError(f"{name}:1: is empty: {mend}")
    return read_as(kind, text, str(path))
