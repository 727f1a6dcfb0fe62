"""What every record has: it writes itself as a JSON document, and says where it was measured from."""

import json
from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class JsonRecord(ABC):
    """A record, which has its document made by a `Part` of the same fields."""

    __slots__ = ()

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""

    def to_json(self) -> str:
        """Return the JSON form as text: one document, ASCII only, with a line end."""
        return json.dumps(self.to_dict(), indent=2) + "\n"


class Verb(StrEnum):
    """The verb that measured."""

    LAB = "lab"
    PROBE = "probe"
    DIAGNOSE = "diagnose"


@dataclass(frozen=True, slots=True)
class Origin:
    """From where a path was measured, and what its user calls it."""

    label: str = ""
    source: str | None = None
    """The address or the interface that connections were to start from; None where the system chose."""
    family: str = "any"
    """`4` or `6`, where only one version of IP was allowed."""
