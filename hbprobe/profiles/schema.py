"""The JSON Schema of a profile, for editors: they complete keys and words, and show what each means.

It is looser than the loader, which also knows which keys go together. It is of draft 7, which every editor reads:
https://json-schema.org/draft-07
"""

import ast
import inspect
import sys
from functools import cache
from itertools import pairwise
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from hbprobe.profiles.model import Profile, TimerKind, Timers
from hbprobe.profiles.values import listed, seconds
from hbprobe.word import Word

_DIALECT = "http://json-schema.org/draft-07/schema#"
_DURATION = r"^([0-9]+(\.[0-9]+)?|\.[0-9]+) *(ms|s|sec|m|min|h|d)?$"


def json_schema() -> dict[str, Any]:
    """Return the schema as plain data."""
    return {"$schema": _DIALECT, **Profile.model_json_schema(schema_generator=_ForEditors)}


class Explained(GenerateJsonSchema):
    """Adds the meaning of keys and words, as the text under each says it."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ANN401, ARG002
        """Say no: a title would repeat the key."""
        return False

    def enum_schema(self, schema: core_schema.EnumSchema) -> JsonSchemaValue:
        """Tell what each word means."""
        if not issubclass(schema["cls"], Word):
            return super().enum_schema(schema)
        words = [_word(word.value, word.meaning) for word in schema["members"]]
        return {"description": inspect.getdoc(schema["cls"]), "oneOf": words}

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        """Tell what each key is for."""
        json = super().model_schema(schema)
        cls = schema["cls"]
        meanings = {str(kind): kind.meaning for kind in TimerKind} if cls is Timers else _meanings(cls)
        for key, meaning in meanings.items():
            json["properties"][key] = {"description": meaning, **json["properties"][key]}
        return json


class _ForEditors(Explained):
    """Leaves out what a file cannot say, such as null, and adds how else a value can be written."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        """Tell of the value only; a key without one is left out."""
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """Tell of those defaults that one could write."""
        json = super().default_schema(schema)
        return {key: value for key, value in json.items() if key != "default" or value not in (None, "", [])}

    def function_before_schema(self, schema: core_schema.BeforeValidatorFunctionSchema) -> JsonSchemaValue:
        """Tell of the text that stands for a duration, and of the word that stands for a list."""
        json = super().function_before_schema(schema)
        function = schema["function"]["function"]
        if function is seconds:
            return {
                "anyOf": [json, {"type": "string", "pattern": _DURATION}],
                "examples": [600, "10min", "1.5h", "5d"],
            }
        return {"anyOf": [json["items"], json]} if function is listed else json


def _word(value: str, meaning: str) -> dict[str, str]:
    return {"const": value, "description": meaning} if meaning else {"const": value}


def _meanings(cls: type[BaseModel]) -> dict[str, str]:
    """Return what the text under each field of a class says about it, by the field's key."""
    body = _classes(cls.__module__)[cls.__name__].body
    found = {}
    for field, text in pairwise(body):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            match text:
                case ast.Expr(ast.Constant(str(meaning))):
                    found[cls.model_fields[field.target.id].alias or field.target.id] = inspect.cleandoc(meaning)
    return found


@cache
def _classes(module: str) -> dict[str, ast.ClassDef]:
    """Return the classes of a module by their names: it is read once, for inspect reads all of it for each class."""
    source = ast.parse(inspect.getsource(sys.modules[module]))
    return {node.name: node for node in ast.walk(source) if isinstance(node, ast.ClassDef)}
