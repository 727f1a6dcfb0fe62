"""The profiles that ship: each loads, lies where it belongs and says where its numbers come from."""

import pytest

from hbprobe.manner import Expiry, Layer
from hbprobe.profiles.catalogue import Catalogue, built_in_folder, profile_files
from hbprobe.profiles.checking import check_files
from hbprobe.profiles.loader import load_profile
from hbprobe.profiles.model import Category, Grade, Profile, Restart, TimerKind
from hbprobe.profiles.silent_request import tunnel_timer

FILES = profile_files(built_in_folder())
PROFILES = [load_profile(path) for path in FILES]
PRODUCTS = [profile for profile in PROFILES if profile.category is not Category.EXAMPLE]


def test_none_has_a_mistake():
    assert check_files(FILES) == []


def test_how_many_there_are():
    assert len(PROFILES) >= 110
    assert len({profile.id for profile in PROFILES}) == len(PROFILES)


def test_every_word_is_shown_by_one():
    timers = [timer for profile in PROFILES for _, timer in profile.each_timer()]
    assert {timer.expiry for timer in timers} == set(Expiry)
    assert {timer.restarted_by for timer in timers} >= set(Restart) - {Restart.SERVER_DATA}
    assert {kind for profile in PROFILES for kind, _ in profile.each_timer()} == set(TimerKind)
    for key in ("population", "step", "jitter", "probes", "revived_by", "body", "retries"):
        assert any(getattr(timer, key) for timer in timers), key


def test_the_file_is_called_after_the_id_and_the_folder_after_the_category():
    assert [path.relative_to(built_in_folder()).as_posix() for path in FILES] == [
        f"{profile.category}/{profile.id}.yaml" for profile in PROFILES
    ]


def test_its_id_finds_it():
    assert [Catalogue().find(profile.id) for profile in PROFILES] == PROFILES


def test_a_round_trip_changes_nothing():
    for profile in PROFILES:
        assert Profile.model_validate_json(profile.model_dump_json()) == profile


def test_it_helps_its_reader():
    for profile in PROFILES:
        assert 40 <= len(profile.about) <= 400, profile.id
        assert profile.about.endswith((".", "?")), profile.id


def test_a_websocket_ends_in_it_or_a_source_says_that_none_does():
    for profile in (one for one in PROFILES if one.layer is Layer.HTTP):
        has_none = profile.http is not None and profile.http.no_tunnel_timer is not None
        ends = tunnel_timer(profile) is not None or profile.timers.total is not None
        assert tunnel_timer(profile) is None if has_none else ends, profile.id


def test_every_source_is_cited():
    for profile in PROFILES:
        cited = {name for _, names in profile.citations() for name in names}
        assert cited == set(profile.sources), profile.id


def test_every_number_has_an_address():
    for profile in PRODUCTS:
        assert profile.vendor, profile.id
        assert profile.each_timer(), profile.id
        for key, keys in profile.citations():
            found = [profile.sources[key] for key in keys]
            assert any(source.url for source in found), (profile.id, key)
            assert all(source.grade is not Grade.EXAMPLE for source in found), (profile.id, key)
            assert all(source.url for source in found if source.grade is not Grade.MEASURED), (profile.id, key)


def test_an_example_says_that_it_is_one():
    examples = [one for one in PROFILES if one.category is Category.EXAMPLE]
    assert [one.id for one in examples] == ["open-path", "ten-minute-provider"]
    assert {source.grade for one in examples for source in one.sources.values()} == {Grade.EXAMPLE}


@pytest.mark.parametrize(
    ("name", "seconds", "expiry"),
    [
        ("ten-minute-provider", 600, "silent"),
        ("cisco-asa", 3600, "silent"),
        ("azure-load-balancer-tcp-reset", 240, "reset"),
        ("aws-nlb-tcp", 350, "reset-on-next"),
        ("nginx-stream-proxy", 600, "close"),
        ("linux-netfilter-conntrack", 432000, "silent"),
        ("ivanti-apptunnel", 60, "close"),
    ],
)
def test_some_that_everybody_asks_for(name, seconds, expiry):
    idle = Catalogue().find(name).timers.idle
    assert (idle.default, idle.expiry) == (seconds, expiry)


def test_the_open_path_has_no_timers():
    assert Catalogue().find("open-path").each_timer() == []
