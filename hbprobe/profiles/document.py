"""YAML text as plain data, with the line of every key.

A profile needs blocks of keys, lists and text, and no more. Everything else that YAML can do is refused: aliases
(a few lines of them can stand for gigabytes), tags, merge keys, several documents. Every value stays text; the
schema gives it its type. So `off`, `1:30` and `010` reach the schema as they were written, where YAML 1.1 would
read a boolean, ninety and eight: https://yaml.org/type/
"""

import contextlib
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

import yaml

from hbprobe.profiles.mistakes import Key, Mistake

Data: TypeAlias = "str | list[Data] | dict[str, Data]"

_Event: TypeAlias = Any
"""A yaml.Event. Every one has its place in the text here, which the stubs leave open."""
_DEEPEST = 20
"""No profile nests half as deep, and reading recurses."""

_REASONS = {  # by how PyYAML's own text begins
    "found character '\\t' that cannot start any token": "a tab: indent with spaces",
    "mapping values are not allowed here": "a colon out of place: indent the key rightly, or quote the text",
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

    def refuse(self, key: Key, event: _Event, what: str) -> None:
        """Note a mistake where the event is."""
        self.mistakes.append(Mistake(event.start_mark.line + 1, what, key))


class _RefusedError(yaml.MarkedYAMLError):
    """YAML, but not of the kind that a profile is written in."""


class _Parser(Protocol):
    """What makes events of YAML text: PyYAML's own parser or libyaml's."""

    def get_event(self) -> _Event:
        """Return what comes next; raises yaml.YAMLError."""
        ...


def read_document(text: str) -> YamlDocument:
    """Read one YAML document. Never raises: what is wrong is among its mistakes."""
    try:
        if yaml.__with_libyaml__:
            from yaml.cyaml import CParser  # type: ignore[attr-defined]  # the stubs hide it

            # It is the faster by far, but knows mistakes by other names than the messages are made from.
            with contextlib.suppress(yaml.YAMLError, UnicodeEncodeError):  # lone surrogates, for one
                return _Reading(CParser(text)).whole()
        return _Reading(yaml.BaseLoader(text)).whole()
    except yaml.MarkedYAMLError as error:
        return YamlDocument(mistakes=[_explain(error)])
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        return YamlDocument(mistakes=[Mistake(line, f"not text: the character {chr(error.character)!a}")])


class _Reading:
    """Makes data of a text while it is parsed, without the nodes that PyYAML would make in between: they are most of
    the work. Refuses what a profile does not use before it can do harm."""

    def __init__(self, parser: _Parser) -> None:
        self._event = parser.get_event
        self._depth = 0

    def whole(self) -> YamlDocument:
        """Return the one document that there is."""
        document = YamlDocument()
        self._event()  # the stream begins
        if not isinstance(self._event(), yaml.StreamEndEvent):
            root = self._node()
            data = self._value(root, (), document)
            if not _is_empty(root):
                document.data = data
            self._event()  # the document ends
            if not isinstance(second := self._event(), yaml.StreamEndEvent):
                raise _RefusedError(
                    problem="broken YAML: a second document: one profile a file", problem_mark=second.start_mark
                )
        if document.data is None:
            document.mistakes.append(Mistake(1, "is empty: see hbprobe profiles show ten-minute-provider"))
        return document

    def _node(self) -> _Event:
        """Return the next node's first event, or the end of the block."""
        event = self._event()
        if problem := self._unwanted(event):
            raise _RefusedError(problem=problem, problem_mark=event.start_mark)
        return event

    def _unwanted(self, event: _Event) -> str | None:
        if not isinstance(event, yaml.NodeEvent):
            return None
        if isinstance(event, yaml.AliasEvent):
            return "an alias (*): quote a text that begins so, or write it out"  # it may be a password
        if event.anchor is not None:
            return "an anchor (&): quote a text that begins so, or leave it out"
        if getattr(event, "tag", None) is not None:
            return "a tag (!): leave it out"
        return f"nested more than {_DEEPEST} deep" if self._depth == _DEEPEST else None

    def _value(self, event: _Event, key: Key, document: YamlDocument) -> Data:
        if isinstance(event, yaml.ScalarEvent):
            return str(event.value)
        self._depth += 1
        value: Data
        if isinstance(event, yaml.MappingStartEvent):
            value = self._block(key, document)
        else:
            value = []
            while not isinstance(item := self._node(), yaml.SequenceEndEvent):
                value.append(self._child(item, item, (*key, len(value)), document))
        self._depth -= 1
        return value

    def _block(self, key: Key, document: YamlDocument) -> dict[str, Data]:
        block: dict[str, Data] = {}
        while not isinstance(name := self._node(), yaml.MappingEndEvent):
            if not isinstance(name, yaml.ScalarEvent):
                self._pass_over(name)
                self._pass_over(self._node())
                document.refuse(key, name, "has a key that is not plain text")
                continue
            child = (*key, name.value)
            value = self._node()
            if name.value == "<<":
                self._pass_over(value)
                document.refuse(child, name, "merge keys are not read: write the keys out")
            elif name.value in block:
                self._pass_over(value)
                document.refuse(child, name, f"stands twice, first in line {document.lines[child]}")
            else:
                block[name.value] = self._child(name, value, child, document)
        return block

    def _child(self, start: _Event, event: _Event, key: Key, document: YamlDocument) -> Data:
        document.lines[key] = start.start_mark.line + 1
        if _is_empty(event):
            document.refuse(key, start, "is empty: write a value, or leave it out")
            return ""
        return self._value(event, key, document)

    def _pass_over(self, event: _Event) -> None:
        self._value(event, (), YamlDocument())


def _explain(error: yaml.MarkedYAMLError) -> Mistake:
    problem = error.problem or "cannot be read"
    mark = error.problem_mark or error.context_mark
    if "end of stream" in problem or "stream end" in problem:
        problem, mark = "a quote or bracket that is never closed", error.context_mark or mark
    if not isinstance(error, _RefusedError):
        plain = next((text for start, text in _REASONS.items() if problem.startswith(start)), problem)
        problem = f"broken YAML: {plain}"
    return Mistake(mark.line + 1, problem, column=mark.column + 1) if mark else Mistake(1, problem)


def _is_empty(event: _Event) -> bool:
    return isinstance(event, yaml.ScalarEvent) and not event.style and event.value in ("", "~", "null")
