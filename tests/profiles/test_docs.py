"""What the manual says about profiles is true."""

import re
from pathlib import Path

import pytest

from hbprobe.manner import Expiry, Layer
from hbprobe.profiles.loader import parse_profile
from hbprobe.profiles.model import (
    Configure,
    HalfClose,
    Http,
    Http2,
    Known,
    Probes,
    Profile,
    Share,
    Source,
    Sweep,
    Timer,
    Timers,
)
from hbprobe.profiles.vocabulary import Category, Ends, Grade, Restart, ServerSide

MANUAL = (Path(__file__).parents[2] / "docs" / "profiles.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", MANUAL, re.DOTALL)
FIRST = EXAMPLES[0]
WHOLE = [text for text in EXAMPLES if text.startswith("id: ")]
TIMERS = [text for text in EXAMPLES if text.startswith("timers:\n")]
BLOCKS = [text for text in EXAMPLES if text not in WHOLE + TIMERS]


def test_the_examples_are_profiles():
    firewall, proxy = (parse_profile(text, "example") for text in WHOLE)
    assert (firewall.id, firewall.timers.idle.default) == ("my-firewall", 1800)
    assert (proxy.timers.server_response.status, proxy.timers.server_response.retries) == (504, 1)


@pytest.mark.parametrize("text", TIMERS)
def test_the_examples_of_timers_fit_into_the_first(text):
    changed = re.sub(r"timers:.*(?=sources:)", lambda _: text, FIRST, flags=re.DOTALL)
    assert list(parse_profile(changed, "example").timers.idle.source) == ["manual"]


@pytest.mark.parametrize("text", BLOCKS)
def test_the_examples_of_blocks_fit_into_the_first(text):
    assert parse_profile(FIRST + text, "example").id == "my-firewall"


def test_there_are_as_many_examples_as_were_looked_at():
    assert (len(WHOLE), len(TIMERS), len(BLOCKS)) == (2, 5, 2)


def test_every_key_and_every_word_is_in_it():
    for schema in (
        Profile,
        Timers,
        Timer,
        Configure,
        Source,
        Sweep,
        Probes,
        Share,
        HalfClose,
        Http,
        Http2,
        Known,
    ):
        for key in schema.model_fields:
            assert f"`{key}`" in MANUAL or re.search(rf"(\n +|{{|, |\.){key}[:`]", MANUAL), key
    for words in (Category, Layer, Expiry, Ends, Restart, Grade, ServerSide):
        for word in words:
            assert f"`{word}`" in MANUAL, word


def test_links_within_it_lead_somewhere():
    headings = re.findall(r"^## (.*)$", MANUAL, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\(#([^)]*)\)", MANUAL)) <= anchors
