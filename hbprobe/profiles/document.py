"""YAML text as plain data, with the line of every key.

A profile needs blocks of keys, lists and text, and no more. Everything else that YAML can do is refused: aliases
(a few lines of them can stand for gigabytes), tags, merge keys, several documents. Every value stays text; the
schema gives it its type. So `off`, `1:30` and `010` reach the schema as they were written, where YAML 1.1 would
read a boolean, ninety and eight: https://yaml.org/type/
"""

import contextlib
from dataclasses import dataclass, field
from typing import TypeAlias

import yaml
from yaml.composer import Composer

from hbprobe.profiles.mistakes import Key, Mistake

Data: TypeAlias = "str | list[Data] | dict[str, Data]"

_DEEPEST = 20
"""No profile nests half as deep, and composing recurses."""

_REASONS = {  # by how PyYAML's own text begins
    "found character '\\t' that cannot start any token": "a tab: indent with spaces",
    "mapping values are not allowed here": "a colon out of place: indent the key rightly, or quote the text",
    "but found another document": "a second document: one profile a file",
    "expected <block end>": "indented unlike the lines before it",
}


@dataclass(slots=True)
class YamlDocument:
    """What a YAML text holds."""

    data: "Data | None" = None
    """Dicts, lists and strings; None where there is nothing to read on."""
    lines: dict[Key, int] = field(default_factory=dict)
    """The line of each key and list item, from 1."""
    mistakes: list[Mistake] = field(default_factory=list)

    def line_of(self, key: Key) -> int:
        """Return the line of the key, or of the nearest block around it that is in the text."""
        while key and key not in self.lines:
            key = key[:-1]
        return self.lines.get(key, 1)

    def refuse(self, key: Key, node: yaml.Node, what: str) -> None:
        """Note a mistake at the node."""
        self.mistakes.append(Mistake(node.start_mark.line + 1, what, key))


class _RefusedError(yaml.MarkedYAMLError):
    """YAML, but not of the kind that a profile is written in."""


class _Guard(Composer):
    """Composes nodes; refuses what a profile does not use before it can do harm."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[attr-defined]  # the parser's, whichever it is
        if problem := self._unwanted(event):
            raise _RefusedError(problem=problem, problem_mark=event.start_mark)
        self.depth += 1
        node: yaml.Node | None = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def _unwanted(self, event: yaml.NodeEvent) -> str | None:
        if isinstance(event, yaml.AliasEvent):
            return f"an alias (*{event.anchor}): write it out"
        if event.anchor is not None:
            return f"an anchor (&{event.anchor}): leave it out"
        if getattr(event, "tag", None) is not None:
            return "a tag (!): leave it out"
        return f"nested more than {_DEEPEST} deep" if self.depth == _DEEPEST else None


class _Reader(_Guard, yaml.BaseLoader):
    """PyYAML's own parser, whose words the messages are made from."""


if yaml.__with_libyaml__:
    from yaml.cyaml import CParser  # type: ignore[attr-defined]  # the stubs hide it

    class _FastReader(_Guard, CParser, yaml.resolver.BaseResolver):
        """libyaml's parser: reads the catalogue in a fifth of the time, but knows mistakes by other names."""

        def __init__(self, text: str) -> None:
            CParser.__init__(self, text)
            yaml.resolver.BaseResolver.__init__(self)
            Composer.__init__(self)


def _compose(text: str) -> yaml.Node | None:
    if yaml.__with_libyaml__:
        with contextlib.suppress(yaml.YAMLError, UnicodeEncodeError):  # lone surrogates, for one
            return _FastReader(text).get_single_node()
    return _Reader(text).get_single_node()


def read_document(text: str) -> YamlDocument:
    """Read one YAML document. Never raises: what is wrong is among its mistakes."""
    document = YamlDocument()
    try:
        node = _compose(text)
    except yaml.MarkedYAMLError as error:
        document.mistakes.append(_explain(error))
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        document.mistakes.append(Mistake(line, f"not text: the character {chr(error.character)!a}"))
    else:
        if node is None or _is_empty(node):
            document.mistakes.append(Mistake(1, "is empty: see hbprobe profiles show ten-minute-provider"))
        else:
            document.data = _build(node, (), document)
    return document


def _explain(error: yaml.MarkedYAMLError) -> Mistake:
    problem = error.problem or "cannot be read"
    mark = error.problem_mark or error.context_mark
    if "end of stream" in problem or "stream end" in problem:
        problem, mark = "a quote or bracket that is never closed", error.context_mark or mark
    if not isinstance(error, _RefusedError):
        plain = next((text for start, text in _REASONS.items() if problem.startswith(start)), problem)
        problem = f"broken YAML: {plain}"
    return Mistake(mark.line + 1, problem, column=mark.column + 1) if mark else Mistake(1, problem)


def _is_empty(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and not node.style and node.value in ("", "~", "null")


def _build(node: yaml.Node, key: Key, document: YamlDocument) -> Data:
    if isinstance(node, yaml.MappingNode):
        return _build_block(node, key, document)
    if isinstance(node, yaml.SequenceNode):
        return [_build_child(item, item, (*key, number), document) for number, item in enumerate(node.value)]
    return str(node.value)


def _build_block(node: yaml.MappingNode, key: Key, document: YamlDocument) -> dict[str, Data]:
    block: dict[str, Data] = {}
    for key_node, value_node in node.value:
        if not isinstance(key_node, yaml.ScalarNode):
            document.refuse(key, key_node, "has a key that is not plain text")
            continue
        child = (*key, key_node.value)
        if key_node.value == "<<":
            document.refuse(child, key_node, "merge keys are not read: write the keys out")
        elif key_node.value in block:
            document.refuse(child, key_node, f"stands twice, first in line {document.lines[child]}")
        else:
            block[key_node.value] = _build_child(key_node, value_node, child, document)
    return block


def _build_child(start: yaml.Node, value: yaml.Node, key: Key, document: YamlDocument) -> Data:
    document.lines[key] = start.start_mark.line + 1
    if _is_empty(value):
        document.refuse(key, start, "is empty: write a value, or leave it out")
        return ""
    return _build(value, key, document)
