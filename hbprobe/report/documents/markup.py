"""HTML, put together from elements: what is not markup already is escaped, so no text can become any."""

import re
from html import escape

from hbprobe.text import shown

_NAME = re.compile(r"[a-z][a-z0-9-]*")
_VOID = {"meta"}
"""The elements without content that are used here."""


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def element(tag: str, *children: str, **attributes: str) -> Markup:
    """Return an element.

    Children that are not `Markup` are escaped, and characters that do not print are written out. In the names of
    attributes `_` stands for `-`, and at the end for nothing: `class_`, `aria_label`.
    """
    names = {name.removesuffix("_").replace("_", "-"): value for name, value in attributes.items()}
    for name in (tag, *names):
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name of an element or attribute")
    said = "".join(f' {name}="{escape(shown(value))}"' for name, value in names.items())
    if tag in _VOID:
        return Markup(f"<{tag}{said}>")
    return Markup(f"<{tag}{said}>{joined(children)}</{tag}>")


def joined(children: "tuple[str, ...] | list[str]") -> Markup:
    """Return the children one after the other, each escaped where it is not `Markup`."""
    return Markup("".join(child if isinstance(child, Markup) else escape(shown(child)) for child in children))
