"""What runs SQL over logs that were read, whichever engine it is."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from numpy.typing import NDArray

Values = Mapping[str, float | str]
ASKS_FOR_NOTHING: Final = "asks for nothing: write one SELECT"
"""What is said of a statement of the user's own that would change something, or of none."""


class Tables(Protocol):
    """The tables of logs that were read, on an engine that runs SQL: the same SQL on each, with `$name` for values.

    There are `lines`, `all_requests`, `requests`, `all_silences`, `silences` and `httperr`; without `all_` are
    what reports are to see.
    """

    def each(self, sql: str, values: Values | None = None) -> Iterator[tuple[Any, ...]]:
        """Run a query; give its rows."""
        ...

    def arrays(self, sql: str, values: Values | None = None) -> "dict[str, NDArray[Any]]":
        """Run a query; return its columns, with NaN for no number."""
        ...

    def rows(self, sql: str, values: Values | None = None) -> tuple[list[str], list[dict[str, Any]]]:
        """Run a query; return its columns and rows."""
        ...

    def users_rows(self, sql: str, name: str) -> tuple[list[str], list[dict[str, Any]]]:
        """Run a query that the user wrote. Raises UserError, in one line, for one that cannot run."""
        ...
