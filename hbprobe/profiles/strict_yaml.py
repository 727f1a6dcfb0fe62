"""Any YAML file that has a schema, read as strictly as profiles are."""

from collections.abc import Sequence
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from hbprobe.errors import UserError
from hbprobe.profiles.document import read_document
from hbprobe.profiles.grammar import explain
from hbprobe.profiles.mistakes import Mistake

Schema = TypeVar("Schema", bound=BaseModel)


def read_as(schema: type[Schema], text: str, name: str) -> Schema:
    """Read YAML by a schema; raises UserError, one line with file, line, key and mend, for a wrong one."""
    document = read_document(text)
    mistakes: Sequence[Mistake] = document.mistakes
    if not mistakes:
        try:
            return schema.model_validate(document.data)
        except ValidationError as error:
            mistakes = explain(error, document, schema)
    first, more = min(mistakes, key=lambda mistake: mistake.line), len(mistakes) - 1
    raise UserError(first.in_file(name) + (f" (and {more} more)" if more else ""))
