"""The JSON Schema of each document that hbprobe writes, made from what reads it."""

import inspect
from typing import Annotated, Any

from pydantic import Field, TypeAdapter
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import core_schema

from hbprobe.profiles.schema import Explained
from hbprobe.records.capture import CaptureRecord
from hbprobe.records.documents import (
    DiagnosisPart,
    HistoryPart,
    JournalLine,
    JournalPart,
    LocationPart,
    ProfilePart,
    ProfilesPart,
    ReportPart,
    TablePart,
)
from hbprobe.records.logs import LogEvidence
from hbprobe.records.preflight import PreflightPart
from hbprobe.records.result_parts import Document, ResultPart, VerdictRecordPart
from hbprobe.records.simulations import FleetPart, FleetSocketsPart, FleetSweepPart, SizePart, TruthPart

_DOCUMENTS: tuple[type[Document], ...] = (
    ResultPart,
    DiagnosisPart,
    LocationPart,
    PreflightPart,
    VerdictRecordPart,
    CaptureRecord,
    FleetPart,
    FleetSweepPart,
    FleetSocketsPart,
    TruthPart,
    SizePart,
    HistoryPart,
    ReportPart,
    JournalPart,
    ProfilePart,
    ProfilesPart,
    TablePart,
)
_OF_SEVERAL_FORMS: dict[type[Document], Any] = {
    CaptureRecord: Annotated[CaptureRecord | LogEvidence, Field(discriminator="verb")],
    JournalPart: JournalLine,
}
"""What else may stand under a document's name."""

SCHEMAS = {model.schema_id().removeprefix("hbprobe.").partition("/")[0]: model for model in _DOCUMENTS}
"""What reads each document, by the name that stands in its schema: `result`, for `hbprobe.result/1`."""


def json_schema(name: str) -> dict[str, Any]:
    """Return the JSON Schema of a document, or of a line of the journal, by its name, as plain data.

    Keys that it does not name may stand there: a newer hbprobe adds some. A key that need not stand there is one that
    an older hbprobe did not write yet.
    """
    model = SCHEMAS[name]
    made = TypeAdapter(_OF_SEVERAL_FORMS.get(model, model)).json_schema(schema_generator=_OfDocuments)
    return {"$schema": _OfDocuments.schema_dialect, **made, "title": model.schema_id()}


def summary(name: str) -> str:
    """Say in a line what a document is."""
    return (inspect.getdoc(SCHEMAS[name]) or "").partition("\n")[0]


class _OfDocuments(Explained):
    """Says that a document names its schema."""

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        """Tell which keys must be there."""
        json = super().model_schema(schema)
        if issubclass(schema["cls"], Document):
            said = [key for key in ("schema", "verb") if key in json["properties"]]
            json["required"] = list(dict.fromkeys((*said, *json.get("required", ()))))
        return json
