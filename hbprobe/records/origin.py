"""Where a result comes from: the verb that measured, and the place that it measured from."""

from dataclasses import dataclass
from enum import StrEnum


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
