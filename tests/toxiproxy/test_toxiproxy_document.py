"""docs/toxiproxy.md: what it says is so."""

import dataclasses
import json
import re
from pathlib import Path

import pytest

from hbprobe.middlebox.faults.toxics import SETTINGS
from hbprobe.toxiproxy.api_reading import read_proxy

PAGE = (Path(__file__).parent.parent.parent / "docs" / "toxiproxy.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", SETTINGS)
def test_the_page_has_every_toxic_with_every_attribute(kind):
    (row,) = re.findall(rf"^\| `{kind}` \|.*", PAGE, re.MULTILINE)
    for field in dataclasses.fields(SETTINGS[kind]):
        assert f"`{field.name}`" in row


def test_its_configurations_are_read_as_they_stand():
    found = [json.loads(block) for block in re.findall(r"^    \[\{.*(?:\n     +.*)*", PAGE, re.MULTILINE)]
    proxies = [read_proxy(proxy) for configuration in found for proxy in configuration]
    assert [(proxy.name, len(proxy.toxics), proxy.tls is None) for proxy in proxies] == [
        ("web", 1, True),
        ("web", 0, False),
    ]
