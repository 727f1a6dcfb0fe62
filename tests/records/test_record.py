"""What every record has: it writes itself as one JSON document."""

import pytest

from hbprobe.records.record import JsonRecord, Origin


class Small(JsonRecord):
    def to_dict(self):
        return {"name": "Büro\u2028", "of": [1]}


def test_it_is_one_document_in_ascii_with_a_line_end():
    assert Small().to_json() == '{\n  "name": "B\\u00fcro\\u2028",\n  "of": [\n    1\n  ]\n}\n'


def test_a_record_must_say_what_it_is():
    with pytest.raises(TypeError, match="to_dict"):
        JsonRecord()


def test_a_path_without_a_name_is_measured_from_wherever_the_system_likes():
    assert Origin() == Origin("", None, "any")
