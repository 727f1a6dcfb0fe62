"""A plot as SVG inside an HTML page: no file beside it, no name twice, and colours that follow the page's own."""

import io
import re
from xml.etree import ElementTree

from matplotlib.figure import Figure

from hbprobe.report.documents.markup import Markup
from hbprobe.report.plots.style import FAINT, INK, in_style
from hbprobe.text import shown

_COLORS = {
    INK: "ink",
    FAINT: "faint",
    "#ffffff": "paper",
    "#dddddd": "shade",
    "#e4e4e4": "shade",
    "#f4f4f4": "shade",
    "#a0a0a0": "faint",
}
"""What is drawn in a shade of grey, and the variable of the style sheet that it becomes."""
_COLOR = re.compile("|".join(color.lower() for color in _COLORS))
_REFERENCE = re.compile(r"(?:^|url\()#([\w.-]+)")
_DROPPED = {"metadata", "style"}
"""Who drew it, and a rule for all elements of the page; the style sheet has that rule for pictures."""


def inline_svg(figure: Figure, label: str, prefix: str) -> Markup:
    """Return a plot as an `svg` element; `prefix` keeps its names apart from another's on the page."""
    root = ElementTree.fromstring(_drawn(figure))
    for parent in list(root.iter()):
        for child in [child for child in parent if _local(child.tag) in _DROPPED]:
            parent.remove(child)
    used = {name for node in root.iter() for value in node.attrib.values() for name in _REFERENCE.findall(value)}
    for node in root.iter():
        node.tag = _local(node.tag)
        node.attrib = _attributes(node.attrib, used, prefix)
    for name in ("width", "height", "version"):
        root.attrib.pop(name, None)
    root.attrib |= {"role": "img", "aria-label": shown(label)}
    return Markup(ElementTree.tostring(root, encoding="unicode", short_empty_elements=False))


def _drawn(figure: Figure) -> str:
    output = io.StringIO()
    with in_style():
        figure.savefig(output, format="svg", metadata={"Date": None})
    return output.getvalue()


def _local(name: str) -> str:
    return name.rpartition("}")[2]


def _attributes(attributes: dict[str, str], used: set[str], prefix: str) -> dict[str, str]:
    kept = {_local(name): value for name, value in attributes.items() if name != "id" or value in used}
    return {name: _fitted(name, value, prefix) for name, value in kept.items()}


def _fitted(name: str, value: str, prefix: str) -> str:
    """Return an attribute's value as it fits the page around."""
    if name == "id":
        return prefix + value
    if name == "href":
        return f"#{prefix}{value.removeprefix('#')}"
    return _COLOR.sub(_variable, value.replace("url(#", f"url(#{prefix}"))


def _variable(color: re.Match[str]) -> str:
    return f"var(--{_COLORS[color[0]]})"
