"""A probe with every method: kept in a journal and taken up again, with noise, and told in every form."""

import json
import sys

import pytest

import hbprobe
from hbprobe import warp
from hbprobe.cli.main import main as hbprobe_main
from hbprobe.measure.observe import Observer
from hbprobe.trial.methods.table import METHODS

SEARCH = {"min": 100, "max": 600, "precision": 150, "connections": 2}
"""Three trials or so."""


@pytest.fixture
def probed(far_ends):
    """Return what makes probes of a method's far end, one after the other, and gives their results."""

    def run(name, *asked):
        login = {"user": "ada", "password": "s3cret"} if METHODS[name].needs_account else {}

        async def one_by_one():
            async with far_ends.behind(name) as given:
                requests = (hbprobe.Probe(**given, **login, **SEARCH, **more()) for more in asked)
                return [await request.measure() for request in requests]

        return warp.run(one_by_one(), warp.WarpClock())

    return run


def found(result):
    return result.limit.survived_s < 350 <= result.limit.cut_s, result.limit.manner, result.limit.aftermath


@pytest.mark.parametrize("name", METHODS)
def test_it_goes_on_where_it_was_interrupted_and_is_told_in_every_form(probed, tmp_path, capsys, name):
    journal = tmp_path / "journal"

    def after_the_first_trial():
        lines = journal.read_text(encoding="utf-8").splitlines(keepends=True)
        first_end = next(place for place, line in enumerate(lines) if json.loads(line).get("event") == "end")
        journal.write_text("".join(lines[: first_end + 1]), encoding="utf-8")
        return {"resume": journal}

    whole, again = probed(name, lambda: {"journal": journal}, after_the_first_trial)
    assert again.complete
    assert again.trials[0] == whole.trials[0]
    assert found(again) == found(whole) == (True, whole.limit.manner, whole.limit.aftermath)

    kept = tmp_path / "result.json"
    kept.write_text(again.to_json(), encoding="utf-8")
    assert hbprobe.load_result(kept).limit == again.limit
    assert hbprobe_main(["report", str(kept), "--format", "md"]) == 0
    told = capsys.readouterr().out
    assert METHODS[name].words in told
    assert "s3cret" not in told


SECRET = "Geheim42"


class Listener(Observer):
    """Keeps what is said while a measurement runs."""

    def __init__(self):
        self.said = []

    def says(self, text):
        self.said.append(text)


@pytest.mark.parametrize("request_type", [hbprobe.Probe, hbprobe.Diagnose, hbprobe.Locate])
@pytest.mark.parametrize("name", sorted(set(METHODS) - {"ping", "imap"}))
def test_what_may_be_a_secret_in_a_url_is_told_nowhere(far_ends, request_type, name):
    """ActiveSync has a query of its own, and IMAP a mailbox of that name."""
    if request_type is hbprobe.Locate and sys.platform != "linux":
        pytest.skip("locate needs Linux")
    listener = Listener()

    async def main():
        async with far_ends.behind(name) as given:
            url = given["url"] + ("&" if "?" in given["url"] else "?") + f"token={SECRET}"
            return await request_type(**given | {"url": url}, **SEARCH).measure(listener)

    told = warp.run(main(), warp.WarpClock()).to_json() + "".join(listener.said)
    assert "token=***" in told
    assert SECRET not in told


@pytest.mark.parametrize("name", METHODS)
def test_noise(probed, name):
    (result,) = probed(name, lambda: {"noise": 0.05})
    assert result.complete
    assert found(result)[0]
    assert result.confidence >= 0.95
