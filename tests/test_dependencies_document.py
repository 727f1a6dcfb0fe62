"""The page about dependencies names all of them, and the licence that each says it has."""

import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| (?!package|---)([\w.-]+) \| ([^|]+) \|", PAGE, re.MULTILINE))
OTHER_WORDS = {"PSF": "Python Software Foundation", "Apache-2.0": "Apache Software"}
"""How a licence is called in a classifier, where there is no expression (PEP 639)."""


def needed():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = project["dependencies"] + project["optional-dependencies"]["fast"]
    return [re.match(r"[\w.-]+", line)[0] for line in lines]


def test_each_is_named():
    assert list(ROWS) == needed()


@pytest.mark.once
@pytest.mark.parametrize("name", ROWS)
def test_its_licence_is_what_it_says(name):
    try:
        about = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        pytest.skip("comes with an extra")
    keys = ("License-Expression", "License", "Classifier")
    said = " ".join(str(text) for key in keys for text in about.get_all(key, []))
    for licence in re.split(r", | or ", ROWS[name].removesuffix(" and others")):
        assert licence in said or OTHER_WORDS.get(licence, licence.partition("-")[0]) in said
