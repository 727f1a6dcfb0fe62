"""What the manual says about profiles is true."""

import re
from pathlib import Path

from hbprobe.profiles.loader import parse_profile
from hbprobe.profiles.model import Profile, Source, Sweep, Timer, Timers
from hbprobe.profiles.words import Category, Ends, Expiry, Grade, Layer, Restart

MANUAL = (Path(__file__).parents[2] / "docs" / "profiles.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", MANUAL, re.DOTALL)


def test_the_example_is_a_profile():
    profile = parse_profile(EXAMPLES[0], "example")
    assert (profile.id, profile.timers.idle.default) == ("my-firewall", 1800)


def test_the_example_of_a_sweep_fits_it():
    assert parse_profile(EXAMPLES[0] + EXAMPLES[1], "example").sweep == Sweep(every=120, source=("manual",))


def test_every_key_and_every_word_is_in_it():
    for schema in (Profile, Timers, Timer, Source, Sweep):
        for key in schema.model_fields:
            assert f"`{key}`" in MANUAL or f"\n  {key}:" in MANUAL, key
    for words in (Category, Layer, Expiry, Ends, Restart, Grade):
        for word in words:
            assert f"`{word}`" in MANUAL, word
