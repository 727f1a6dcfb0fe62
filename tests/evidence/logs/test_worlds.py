"""Logs of simulated companies: what is read off them, held against the truth that they were made from."""

import pytest
from support.company import company, path, random_losses, write_logs

from hbprobe.eas.releases import Release
from hbprobe.evidence.logs.request import By, Logs
from hbprobe.manner import Manner

pytestmark = pytest.mark.xdist_group("worlds of logs")
"""A simulated company is dear to make: as much as can be seen in one is looked for in that one."""


def limits_of(folder, **asked):
    evidence = Logs([folder], **asked).run()
    assert evidence.not_read == () and not any(source.bad for source in evidence.sources)
    return {limit.key: limit for limit in evidence.limits}, evidence


def net(number):
    return f"198.18.{number}.0/24"


@pytest.fixture(scope="session")
def silent_company(tmp_path_factory):
    """Return what writes the logs of a company with two silent limits and an open path, once for each release."""
    written = {}

    def of(release):
        if release not in written:
            written[release] = tmp_path_factory.mktemp(release.name)
            write_logs(written[release], company(path("a", 1200), path("b", 300), path("c")), release, days=0.45)
        return written[release]

    return of


@pytest.mark.parametrize("release", [Release.V2010, Release.V2019])
def test_silent_limits_and_an_open_path(silent_company, release):
    found, evidence = limits_of(silent_company(release))
    assert found[net(0)].judgement == "limit" and found[net(0)].survived <= 1200 <= found[net(0)].cut
    assert found[net(1)].judgement == "limit" and found[net(1)].survived <= 300 <= found[net(1)].cut
    assert found[net(1)].cut - found[net(1)].survived <= 5
    assert {found[net(0)].how, found[net(1)].how} == {"silent"}
    assert (found[net(2)].judgement, found[net(2)].longest_answered) == ("none-seen", pytest.approx(1800, abs=0.1))
    assert evidence.shared_by_all is None
    assert "ios" not in found[net(1)].rests_on
    for bounds in (found[net(1)].if_unknown_lost, found[net(1)].if_unknown_answered):
        assert bounds.survived - 2 <= 300 <= bounds.cut + 2


def test_several_limits_behind_one_prefix(silent_company, tmp_path):
    names = tmp_path / "names.csv"
    names.write_text("198.18.0.0/16,carrier\n")
    found, _ = limits_of(silent_company(Release.V2010), networks=names)
    assert found["carrier"].judgement == "several"
    assert found["carrier"].curve


def test_a_front_end_alone_is_enough_for_a_limit(silent_company):
    found, evidence = limits_of(silent_company(Release.V2019) / "W3SVC1")
    assert found[net(1)].survived <= 300 <= found[net(1)].cut
    assert evidence.coverage.heartbeat_from_blob == 0 and evidence.coverage.heartbeat_from_time_taken
    assert any("W3SVC2" in note for note in evidence.notes)
    assert evidence.windows.samples == 0


@pytest.mark.parametrize(("release", "how"), [(Release.V2010, Manner.RESET), (Release.V2019, Manner.CLOSED)])
def test_limits_that_devices_are_told_of(tmp_path, release, how):
    write_logs(tmp_path, company(path("a", 900, how), path("b", 300, how)), release, days=0.2)
    found, _ = limits_of(tmp_path)
    for number, limit_s in enumerate((900, 300)):
        limit = found[net(number)]
        assert (limit.judgement, limit.how) == ("limit", "told")
        assert limit.survived <= limit_s <= limit.cut


def test_limits_that_vary_are_none_that_are_fixed(tmp_path):
    write_logs(tmp_path, company(path("a", 600, spread_s=60.0), path("b", 600, Manner.RESET, 60.0)), days=0.75)
    found, _ = limits_of(tmp_path)
    assert (found[net(0)].judgement, found[net(1)].judgement) == ("several", "several")
    assert 590 <= found[net(0)].survived <= found[net(0)].cut <= 665


def test_fixed_intervals_say_nothing_beyond_themselves(tmp_path):
    write_logs(tmp_path, company(path("a", 900), path("b", 420), mix={"ios": 1}, devices=40))
    found, evidence = limits_of(tmp_path)
    assert found[net(0)].judgement == "none-seen"
    assert found[net(0)].longest_answered == pytest.approx(600, abs=0.1)
    assert found[net(1)].survived <= 420 <= found[net(1)].cut
    assert any("devices asked for 600 s at most: what is longer nobody tried" in note for note in evidence.notes)


def test_one_box_for_all_networks_is_on_the_servers_side(tmp_path):
    write_logs(tmp_path, company(path("a", 300), path("b", 300), path("c", 300), devices=45))
    found, evidence = limits_of(tmp_path)
    low_s, high_s = evidence.shared_by_all
    assert low_s <= 300 <= high_s
    assert evidence.findings[0].code == "shared-limit"
    assert len(found) == 3


@pytest.fixture(scope="session")
def small_company(tmp_path_factory):
    folder = tmp_path_factory.mktemp("logs")
    write_logs(folder, company(path("a", 420), moves=0, devices=40), Release.V2019, days=0.2)
    return folder


@pytest.mark.parametrize("by", By)
def test_groups(small_company, by):
    found, _ = limits_of(small_company, by=by)
    kinds = {"network": {net(0)}, "kind": {"iPhone", "Android", "PocketPC"}, "server": {"192.0.2.10"}}
    assert set(found) == kinds[by] if by in kinds else len(found) == 40


def test_what_one_device_shows_is_told_of_that_device_alone(tmp_path):
    write_logs(tmp_path, company(path("a", 300), moves=0, devices=12), Release.V2019)
    found, evidence = limits_of(tmp_path, by=By.DEVICE)
    named = [limit for limit in found.values() if limit.judgement == "limit"]
    assert len(named) >= 4 and all(limit.survived <= 300 <= limit.cut for limit in named)
    assert all(limit.longest_answered is not None for limit in found.values() if limit.judgement != "too-little")
    (told,) = (finding for finding in evidence.findings if "limit" in finding.code)
    assert "what one device shows may be its own doing" in told.text and told.severity == "problem"


def test_a_back_end_alone_does_not_know_networks(small_company):
    found, evidence = limits_of(small_company / "W3SVC2")
    assert list(found) == ["-"]
    (note,) = (note for note in evidence.notes if "without a client's address" in note)
    assert "of which networks they are cannot be told" in note and "give the front end's log" in note
    coverage = evidence.coverage
    assert coverage.lost_without_address == coverage.told + coverage.silent > 0
    (told,) = (finding.text for finding in evidence.findings if finding.code == "path-limit")
    assert told.startswith("on networks that the log does not tell, of which there may be several: ")
    _, both = limits_of(small_company)
    assert both.coverage.lost_without_address == 0
    assert not any("without a client's address" in note for note in both.notes)
    assert found["-"].survived <= 420 <= found["-"].cut


@pytest.mark.parametrize("how", [Manner.SILENT, Manner.CLOSED])
def test_losses_at_random_are_no_limit(tmp_path, how):
    """Two hundred such companies are read by tests/benchmarks/limits_from_logs.py."""
    lossy = (random_losses(of, 0.05, how, of) for of in ("requests", "visits"))
    write_logs(tmp_path, company(*lossy, seed=7))
    found, _ = limits_of(tmp_path)
    assert len(found) == 2
    assert "limit" not in {limit.judgement for limit in found.values()}


def test_where_losses_are_not_explained_it_is_not_said_that_no_limit_is_seen(tmp_path):
    """All ask for one interval, and a part of the network has a limit: the front end's log has nothing shorter."""
    world = company(path("a", 400, share=15), path("b", share=85), devices=60, seed=0, mix={"ios": 1})
    write_logs(tmp_path, world, Release.V2019)
    both, evidence = limits_of(tmp_path, v4_prefix=16)
    (lossy,) = both.values()
    assert lossy.judgement == "too-little"
    (told,) = (finding for finding in evidence.findings if finding.code == "path-losses")
    assert told.severity == "problem"
    assert f"{lossy.losses} of {lossy.silences} waiting requests seem lost: more than accident explains" in told.text
    front, evidence = limits_of(tmp_path / "W3SVC1", v4_prefix=16)
    (hanging,) = front.values()
    assert (hanging.judgement, hanging.if_unknown_answered.judgement) == ("too-little", "several")
    assert any(note.startswith("no limit is told of 198.18.0.0/16, but if") for note in evidence.notes)


def test_most_limits_are_named_and_hold_the_truth(tmp_path):
    """A hundred such paths are read by tests/benchmarks/limits_from_logs.py."""
    drawn = [(861, Manner.RESET), (1449, Manner.CLOSED), (746, Manner.SILENT), (350, Manner.RESET)]
    write_logs(tmp_path, company(*(path(f"p{limit_s}", limit_s, how) for limit_s, how in drawn), moves=0, seed=11))
    found, _ = limits_of(tmp_path)
    for number, (limit_s, _) in enumerate(drawn):
        limit = found[net(number)]
        assert limit.judgement == "limit"
        assert limit.survived <= limit_s <= limit.cut
