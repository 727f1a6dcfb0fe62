import math
import re

import pytest

from hbprobe.errors import UserError
from hbprobe.exchange.devices import DEVICES
from hbprobe.exchange.settings import Settings
from hbprobe.fleet.mix import SHIPPED, load_mix
from hbprobe.manner import Manner
from hbprobe.profiles.catalogue import Catalogue
from hbprobe.profiles.silent_request import Cut

CATALOGUE = Catalogue()
LEAST = """devices: {ios: 1}
paths:
  - {name: wifi, share: 1, limit: 10min}
mail: {per_day: 4}
"""


@pytest.fixture
def mix(tmp_path):
    def load(text):
        file = tmp_path / "mine.yaml"
        file.write_text(text, encoding="utf-8")
        return load_mix(file, CATALOGUE)

    return load


def test_the_shipped_mix():
    office = load_mix(SHIPPED, CATALOGUE)
    assert office.name == "office"
    assert sum(office.shares) == 100 == sum(path.share for path in office.paths)
    assert office.firewall == Cut(3600) and office.firewall_profile.id == "cisco-asa"
    assert [path.name for path in office.paths] == ["wifi", "mobile", "five-minutes"]
    assert (office.habits.stay_s, office.habits.wait_s, office.habits.waiting_share) == (14_400, 60, 0.5)
    assert (office.costs.request_bytes, office.costs.handshake_bytes) == (600, 2000)
    assert office.habits.mail.per_day == 40


def test_every_number_of_the_shipped_mix_has_a_reason():
    """Each block says that it is assumed, or where its number comes from."""
    text = SHIPPED.read_text(encoding="utf-8")
    for block in ("devices", "firewall", "paths", "mail", "moves_per_day", "after_loss", "bytes"):
        comment = re.search(rf"((?:^#.*\n)+){block}:", text, re.MULTILINE)
        assert comment, block
        assert re.search(r"assumed|source|https://", comment[1], re.IGNORECASE), block


def test_what_may_be_left_out(mix):
    least = mix(LEAST)
    assert least.firewall == Cut() and least.firewall_profile is None
    assert (least.habits.stay_s, least.habits.waiting_share) == (math.inf, 0)
    (path,) = least.paths
    assert path.spans[0].cut == Cut(600, Manner.SILENT)
    world = least.world(3, Settings(), 5)
    assert dict(zip((kind.id for kind in DEVICES), world.counts, strict=True))["ios"] == world.devices == 3


def test_all_that_can_be_said(mix, tmp_path):
    (tmp_path / "box.yaml").write_text(CATALOGUE.find_file("cisco-asa").read_text(encoding="utf-8"), encoding="utf-8")
    text = LEAST.replace("limit: 10min", "limit: 90, how: reset").replace("per_day: 4", "per_day: 2.5")
    said = mix(text + "firewall: {profile: box.yaml}\nmoves_per_day: 2\nafter_loss: {at_once: 0.25, wait: 5}\n")
    assert said.firewall == Cut(3600)
    assert said.paths[0].spans[0].cut == Cut(90, Manner.RESET)
    assert (said.habits.stay_s, said.habits.waiting_share, said.habits.wait_s) == (43_200, 0.75, 5)


DEVICES_ALLOWED = "(allowed: " + ", ".join(kind.id for kind in DEVICES) + ")"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("ios: 1", "ois: 1", f":1: devices.ois: no such device; did you mean ios? {DEVICES_ALLOWED}"),
        ("ios: 1", "ios: 0", ":1: devices: no device has a share above 0"),
        ("ios: 1", "ios: -1", ":1: devices.ios: '-1' is not a number: write 0 or more, as in 40 or 2.5"),
        ("ios: 1", "ios: [1]", ":1: devices.ios: a list is not a number: write 0 or more, as in 40 or 2.5"),
        ("share: 1", "share: 0", ":2: paths: no path has a share above 0"),
        ("share: 1", "share: much", ":3: paths[0].share: 'much' is not a number: write 0 or more, as in 40 or 2.5"),
        ("share: 1, ", "", ":3: paths[0].share: is missing: write 0 or more, as in 40 or 2.5"),
        (", limit: 10min", "", ":3: paths[0]: needs a profile (open-path is one without timers) or a limit"),
        ("limit: 10min", "limit: soon", ":3: paths[0].limit: 'soon' is not a duration: "),
        (
            "limit: 10min",
            "limit: 5, how: slowly",
            ":3: paths[0].how: 'slowly' is not allowed (allowed: ",
        ),
        (
            "limit: 10min",
            "limit: 5, profile: cisco-asa",
            ":3: paths[0].limit: goes without profile, which says it",
        ),
        ("limit: 10min", "profile: cisco-asaa", ": no profile called 'cisco-asaa'; near: cisco-asa, "),
        ("mail: {per_day: 4}", "mial: {per_day: 4}", ":4: mial: unknown key; did you mean mail? (allowed: devices, "),
        ("per_day: 4", "by_hour: [1]", ":4: mail.per_day: is missing: write 0 or more, as in 40 or 2.5"),
        (
            "per_day: 4",
            "per_day: 4, by_hour: [1, 2]",
            ":4: mail.by_hour: has 2 hours: write 24 numbers, from midnight on",
        ),
        (
            "per_day: 4",
            "per_day: 4, by_hour: [" + ", ".join("0" * 24) + "]",
            ":4: mail.by_hour: is 0 at every hour: for no mail write per_day: 0",
        ),
        (
            "mail:",
            "after_loss: {at_once: 50}\nmail:",
            ":4: after_loss.at_once: 50 is more than the whole: write a number from 0 to 1",
        ),
        (
            "mail:",
            "  - {name: wifi, share: 1, limit: 5}\nmail:",
            ":2: paths: two are called 'wifi': give each a name of its own",
        ),
        ("{ios: 1}", "{ios: 1", ":2:6: broken YAML: "),
    ],
)
def test_wrong_mixes(mix, tmp_path, old, new, message):
    assert old in LEAST
    with pytest.raises(UserError) as caught:
        mix(LEAST.replace(old, new))
    assert str(caught.value).startswith(f"{tmp_path / 'mine.yaml'}{message}"), str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(UserError, match=r"nothing\.yaml: no such file"):
        load_mix(tmp_path / "nothing.yaml", CATALOGUE)
