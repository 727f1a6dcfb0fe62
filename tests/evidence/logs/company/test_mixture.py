"""A mix for `hbprobe fleet` with the shares that logs show."""

import math
import re
from dataclasses import replace

import pytest
from support.company import company, path, write_logs
from support.iis import write

from hbprobe.eas.releases import Release
from hbprobe.errors import UserError
from hbprobe.evidence.logs.company.mixture import covered_s, kind_of, mix_of
from hbprobe.evidence.logs.request import Logs
from hbprobe.exchange.devices import DEVICES
from hbprobe.exchange.settings import Settings
from hbprobe.fleet.mix import load_mix
from hbprobe.fleet.simulation import simulate
from hbprobe.manner import Manner
from hbprobe.profiles.catalogue import Catalogue
from hbprobe.profiles.silent_request import Cut


def mixed(folder, world=None, **asked):
    """Return the mix of a company's logs, and what it takes for given."""
    if world is not None:
        write_logs(folder / "logs", world, Release.V2019, days=0.5)
    with Logs([folder / "logs"], **asked).opened() as opened:
        found = mix_of(opened.tables, opened.evidence().limits)
    mix = load_mix(write(folder / "mix.yaml", found.text), Catalogue())
    assert mix.assumed == found.assumed
    return mix, found


MINUTE = "devices that do not ask again at once after a loss wait for a minute first"


def of_paths(found):
    """Return what a mix takes for given of its paths."""
    others = "android-4.0", "hours of the day", "no device moves"
    return tuple(one for one in found.assumed[:-1] if not any(word in one for word in others))


def shares_of(mix):
    whole = sum(one.share for one in mix.paths)
    return {one.name: one.share / whole for one in mix.paths}


def test_a_mix_of_the_company_can_be_simulated(tmp_path):
    write_logs(tmp_path / "logs", company(path("wifi"), path("mobile", 300), devices=60), days=0.5)
    mix, found = mixed(tmp_path)
    shares = {kind.id: share for kind, share in zip(DEVICES, mix.shares, strict=True) if share}
    assert shares["ios"] == 30
    assert found.strange <= 3 and sum(shares.values()) + found.strange == 60
    assert len(mix.paths) == 2
    assert found.assumed[-1] == MINUTE


RESET, SILENT = Manner.RESET, Manner.SILENT


@pytest.mark.parametrize(
    ("paths", "more", "fires"),
    [
        ([(50, None, SILENT), (50, 200, RESET)], {"mix": {"ios": 1}}, False),
        ([(40, None, SILENT), (60, 200, RESET)], {"moves": 0}, True),
        ([(50, None, SILENT), (50, 200, SILENT)], {}, False),
        ([(60, None, SILENT), (30, 1200, SILENT), (10, 300, RESET)], {}, False),
        ([(20, 900, RESET), (60, 250, RESET), (20, None, SILENT)], {}, True),
        ([(70, 600, SILENT), (30, 200, RESET)], {"mix": {"ios": 1, "android-4.1": 1}}, True),
    ],
    ids=["half", "half that stay", "in silence", "three", "three that fire", "no open path"],
)  # fmt: skip
def test_logs_give_the_fleet_back_that_they_are_of(tmp_path, paths, more, fires):
    """What is asked more often on one path than on another is no share of it."""
    those = [path(str(number), limit_s, how, share=share) for number, (share, limit_s, how) in enumerate(paths)]
    world = company(*those, devices=100, seed=3, **more)
    mix, _ = mixed(tmp_path, world)
    found = shares_of(mix)
    limits_s = {one.name: one.spans[0].low_s for one in mix.paths}
    for number, (share, limit_s, _) in enumerate(paths):
        (name,) = (name for name in found if name.startswith(f"198-18-{number}-"))
        assert found[name] == pytest.approx(share / 100, abs=0.04)
        assert limit_s is None or limits_s[name] == pytest.approx(limit_s, rel=0.02)
    many = replace(world, counts=tuple(10 * count for count in world.counts))
    before, after = simulate(many, 0.5), simulate(mix.world(1000, Settings(), 3), 0.5)
    assert bool(before.events) == bool(after.events) == fires
    assert after.mean_s == pytest.approx(before.mean_s, rel=0.05)


def test_mail_and_moves_are_of_the_time_that_devices_were_seen(tmp_path):
    """Half a day of logs has half of a day's mail; and a move may lead to where one was."""
    mix, found = mixed(tmp_path, company(path("a"), path("b", 900, RESET), devices=100, mails=40, moves=8))
    assert mix.habits.mail.per_day == pytest.approx(40, rel=0.1)
    assert 86_400 / mix.habits.stay_s == pytest.approx(8, rel=0.15)
    assert max(mix.habits.mail.by_hour) < 2 * min(mix.habits.mail.by_hour), "hours without logs are as the others"
    assert (
        "as much mail in the hours of the day that the logs do not have as in the others: 12 of 24" in found.assumed
    )


def carrier(folder):
    return write(folder / "names.csv", "198.18.0.0/16,carrier\n")


def test_several_limits_of_a_network_are_several_paths(tmp_path):
    those = [(255, SILENT), (300, RESET), (600, SILENT), (None, SILENT)]
    world = company(*(path(str(number), *one) for number, one in enumerate(those)), devices=100, seed=3)
    mix, found = mixed(tmp_path, world, networks=carrier(tmp_path))
    shares, spans = shares_of(mix), [one.spans[0] for one in mix.paths]
    assert list(shares.values()) == pytest.approx([0.25] * 4, abs=0.04)
    assert [span.low_s for span in spans[:3]] == pytest.approx([255, 300, 600], abs=5)
    assert [span.cut.manner for span in spans[:3]] == [SILENT, RESET, SILENT]
    assert mix.paths[3].name == "carrier-open"
    (said,) = of_paths(found)
    assert said.startswith("several limits, or one that varies: in the mix they are fixed") and "none seen" in said
    assert (
        "that no device moves: the logs have one network, carrier, and moves within it are not seen" in found.assumed
    )
    before, after = (simulate(one, 1.0) for one in (world, mix.world(100, Settings(), 3)))
    assert after.per_device_day.without_push_min == pytest.approx(before.per_device_day.without_push_min, rel=0.1)


def test_what_the_logs_do_not_tell_is_left_out_and_said(tmp_path):
    write_logs(tmp_path / "logs", company(path("a"), path("b", 300), devices=30), Release.V2019, days=0.2)
    with Logs([tmp_path / "logs"]).opened() as opened:
        limits = {one.key: one for one in opened.evidence().limits}
        open_path = limits["198.18.0.0/24"]
        several = replace_part(open_path, judgement="several", survived=300.0, cut=400.0)
        found = mix_of(opened.tables, [several, limits["198.18.1.0/24"]])
        assert found.text.count("- name:") == 1
        assert of_paths(found) == (
            "left out, for waiting requests die there, and the logs do not tell after which times: 198.18.0.0/24",
        )
        with pytest.raises(UserError, match=r"do not tell what any network carries: left out.*198\.18\.0\.0/24"):
            mix_of(opened.tables, [several])
        few = mix_of(opened.tables, [replace_part(open_path, judgement="too-little")])
        assert of_paths(few) == ("taken for open, for what waited there tells too little: 198.18.0.0/24",)
        lossy = mix_of(opened.tables, [replace_part(limits["198.18.1.0/24"], judgement="too-little")])
        assert "limit: 299.5 " in lossy.text and of_paths(lossy)[0].startswith("several limits, or one that varies")


def test_a_limit_that_all_networks_share_is_the_firewalls_and_can_be_sized(tmp_path):
    """A path with a limit would keep it behind any firewall, and too short a timer would be told as enough."""
    those = path("a", share=60), path("b", share=25), path("c", 300, RESET, share=15)
    world = replace(
        company(*those, devices=100, mix={"ios": 1, "android-4.4": 1}, moves=4), firewall=Cut(1200, SILENT)
    )
    mix, found = mixed(tmp_path, world)
    assert (mix.firewall.limit_s, mix.firewall.manner) == (pytest.approx(1200, rel=0.02), SILENT)
    assert [one.spans[0].low_s for one in mix.paths] == [math.inf, math.inf, pytest.approx(300, abs=2)]
    (said,) = of_paths(found)
    assert "taken for that of a box before the server, as firewall; each network may have it by itself" in said
    assert said.endswith(": 198.18.0.0/24, 198.18.1.0/24")
    longer = Cut(1800.0, SILENT)
    before, after = (
        simulate(replace(one, firewall=longer), 1.0) for one in (world, mix.world(100, Settings(), 3))
    )  # fmt: skip
    assert after.mean_s == pytest.approx(before.mean_s, rel=0.05)
    assert after.well_share == before.well_share == 1


def test_a_limit_of_one_network_may_be_a_boxes(tmp_path):
    mix, found = mixed(tmp_path, company(path("a", 900), devices=40))
    assert mix.firewall.limit_s == math.inf
    (said,) = of_paths(found)
    assert said.startswith("taken for the network's own, which size does not lengthen; no network is seen to carry")
    assert "that no device moves: the logs have one network, 198.18.0.0/24" in "; ".join(found.assumed)


def test_what_follows_a_loss_is_counted(tmp_path):
    world = company(path("a", 300), path("b"), devices=60)
    mix, _ = mixed(tmp_path, replace(world, habits=replace(world.habits, waiting_share=0.2)))
    assert mix.habits.waiting_share == pytest.approx(0.2, abs=0.03)


def test_devices_that_are_not_in_the_mix_are_told_and_take_no_part_in_its_mail(tmp_path):
    """A Sync that waits has another status than a Ping, and what is turned away gets no mail."""
    kinds = {"ios": 1, "android-4.1": 2, "outlook-540": 1, "textbook": 1}
    write_logs(tmp_path / "logs", company(path("a"), devices=50, mix=kinds, mails=40, moves=0), Release.V2019, 0.5)
    for file in (tmp_path / "logs").glob("W3SVC*/*.log"):
        lines = [
            line.replace("Cmd=Ping", "Cmd=Sync").replace("SC1:2", "SC1:1") if "DeviceId=IOS" in line
            else re.sub(r"(\S+ \S+ .*) 200 0 0 \d+", r"\1 401 1 0 10", line) if "DeviceId=OUTLOOK" in line
            else line
            for line in file.read_text().splitlines(keepends=True)
        ]  # fmt: skip
        file.write_text("".join(lines))
    mix, found = mixed(tmp_path)
    assert mix.habits.mail.per_day == pytest.approx(40, rel=0.1)
    told = "; ".join(found.assumed)
    assert "no known device asks for such intervals: 10 devices" in told
    assert "no Ping tells for which interval they ask" in told and "turned away): 10 devices" in told


def test_what_no_ping_longer_than_1010_s_tells_apart_is_said(tmp_path):
    mix, found = mixed(tmp_path, company(path("a", 480), path("b", 300), devices=20, mix={"android-4.1": 1}))
    assert {kind.id for kind, share in zip(DEVICES, mix.shares, strict=True) if share} == {"android-4.0"}
    assert found.assumed[0].startswith("taken for android-4.0") and found.assumed[0].endswith(": 20 devices")


@pytest.mark.parametrize("name", ["\U0001f4f1 mobile", 'quote" and \\', "\x7f\x9f\u2028\ufffe", "Büro: #1"])
def test_a_network_may_have_any_name(tmp_path, name):
    """What YAML takes of a text is neither all that JSON writes nor all that a name may have."""
    write_logs(tmp_path / "logs", company(path("a"), devices=10), Release.V2019, days=0.2)
    quoted = name.replace('"', '""')
    names = write(tmp_path / "names.csv", f'198.18.0.0/16,"{quoted}"\n')
    with Logs([tmp_path / "logs"], networks=names).opened() as opened:
        (limit,) = opened.evidence().limits
        found = mix_of(opened.tables, [replace_part(limit, judgement="too-little")])
    assert name in of_paths(found)[0]
    assert load_mix(write(tmp_path / "mix.yaml", found.text), Catalogue()).assumed == found.assumed


@pytest.mark.parametrize(
    ("first_s", "last_s", "hours"),
    [
        (0, 86_400, {0: 3600, 5: 3600, 23: 3600}),
        (5400, 7200 + 2 * 86_400, {0: 2 * 3600, 1: 1800 + 2 * 3600, 2: 2 * 3600, 23: 2 * 3600}),
        (5400, 6000, {0: 0, 1: 600, 2: 0}),
        (0, 253_000_000_000, {7: 3600 * (253_000_000_000 // 86_400)}),
    ],
)
def test_how_much_of_an_hour_lies_between(first_s, last_s, hours):
    for hour, lies_s in hours.items():
        assert covered_s(hour, first_s, last_s) == pytest.approx(lies_s, abs=3600 if last_s > 1e9 else 0)


def replace_part(part, **changed):
    return part.model_copy(update=changed)


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
