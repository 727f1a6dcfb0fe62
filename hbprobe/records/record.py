"""What writes itself as a JSON document."""

import json
from abc import ABC, abstractmethod
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
