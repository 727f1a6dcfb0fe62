"""A mix for `hbprobe fleet` with the shares that logs show."""

import pytest
from support.company import company, path, write_logs
from support.iis import write

from hbprobe.evidence.logs.mixture import kind_of, mix_of
from hbprobe.evidence.logs.request import Logs
from hbprobe.exchange.devices import DEVICES
from hbprobe.fleet.mix import load_mix
from hbprobe.profiles.catalogue import Catalogue


def test_a_mix_of_the_company_can_be_simulated(tmp_path):
    write_logs(tmp_path / "logs", company(path("wifi"), path("mobile", 300), devices=60), days=0.5)
    logs = Logs([tmp_path / "logs"])
    with logs.opened() as opened_logs:
        text, strange = mix_of(opened_logs.tables, opened_logs.evidence().limits)
    mix = load_mix(write(tmp_path / "mix.yaml", text), Catalogue())
    shares = {kind.id: share for kind, share in zip(DEVICES, mix.shares, strict=True) if share}
    assert shares["ios"] == 30
    assert strange <= 3 and sum(shares.values()) + strange == 60
    assert len(mix.paths) == 2


@pytest.mark.parametrize(
    ("asked", "name", "kind"),
    [
        ([600], "iPhone", "ios"), ([540], "Outlook", "outlook-540"), ([180], "Outlook", "outlook-180"),
        ([480, 780, 1080], "WP8 MSFT-WP/8.0", "windows-mobile"), ([480, 780], "Android", "android-4.4"),
        ([480], "Android", "android-4.4"), ([470], "Android", "android-4.0"),
        ([470, 650, 830, 1010], "Android", "android-4.0"), ([470, 1370], "Android", "android-4.1"), ([123], "x",
        None),
        ([600, 540], "x", None),
    ],
)  # fmt: skip
def test_what_asks_so_is_such_a_device(asked, name, kind):
    assert kind_of(asked, name) == kind
