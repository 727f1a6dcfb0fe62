from pathlib import Path

import pytest

from hbprobe.errors import UserError
from hbprobe.exchange.devices import CURRENT
from hbprobe.lab.pathfile import find_path, load_path, shipped_paths
from hbprobe.profiles.catalogue import Catalogue
from hbprobe.search.search import SearchSettings

WHOLE = """\
name: Two boxes
story: >
  A story
  of two lines.
boxes:
  - own.yaml
  - profile: cisco-asa
    set: {idle: 10min, half_closed: off}
webconfig: web.config
devices: [ios, android-4.4]
search: {min: 2min, max: 20min, precision: 5, connections: 4, confirm: 2, grace: 1, noise: 10%, confidence: 0.9}
"""
OWN = """\
id: own
name: Own
category: example
layer: tcp
timers: {}
"""
CONFIG = "<configuration><appSettings><add key='MaxHeartbeatInterval' value='900'/></appSettings></configuration>"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "own.yaml").write_text(OWN)
    (tmp_path / "web.config").write_text(CONFIG)
    return tmp_path


def written(folder: Path, text: str) -> Path:
    file = folder / "path.yaml"
    file.write_text(text)
    return file


def test_a_whole_path_with_files_beside_it(folder: Path) -> None:
    path = load_path(written(folder, WHOLE), Catalogue())
    assert (path.name, path.story) == ("Two boxes", "A story of two lines.")
    assert [box.id for box in path.boxes] == ["own", "cisco-asa"]
    idle = path.boxes[1].timers.idle
    assert idle is not None and idle.default == 600
    assert path.boxes[1].timers.half_closed is None
    assert path.settings.max_heartbeat_s == 900
    assert [device.id for device in path.devices] == ["ios", "android-4.4"]
    assert path.search == SearchSettings(120, 1200, 5, 4, 2, 1, 0.1, 0.9)
    assert path.remarks == ("half_closed of cisco-asa is off in this run; the profile has 10 min",)


def test_what_is_left_out_takes_its_default(folder: Path) -> None:
    path = load_path(written(folder, "name: N\nboxes: [open-path]\n"), Catalogue())
    assert (path.devices, path.search, path.settings.max_heartbeat_s) == (
        CURRENT,
        SearchSettings(connections=8),
        3540,
    )


def test_a_path_is_told_from_a_profile(folder: Path) -> None:
    file = written(folder, WHOLE)
    assert find_path(str(file)) == file
    assert find_path(str(folder / "own.yaml")) is None
    assert find_path(str(folder)) is None
    assert find_path("cisco-asa") is None
    assert find_path("healthy") == shipped_paths()["healthy"]


@pytest.mark.parametrize("name", shipped_paths())
def test_every_shipped_path_loads_and_tells_its_story(name: str) -> None:
    path = load_path(shipped_paths()[name], Catalogue())
    assert len(path.story) > 150
    assert name not in Catalogue().ids


WRONG = [
    ("name: N\n", "path.yaml:1: boxes: is missing: must be a list of blocks (profile, set)"),
    ("name: N\nboxes: []\n", "path.yaml:2: boxes: is an empty list: name at least one"),
    ("name: N\nboxes: [open-path]\nwho: me\n", "path.yaml:3: who: unknown key (allowed: name, story, boxes, "),
    ("name: N\nboxes: [opne-path]\n", "path.yaml: no profile called 'opne-path'; near: open-path"),
    (
        "name: N\nboxes:\n  - profile: open-path\n    set: {idel: 5}\n",
        "path.yaml:4: boxes[0].set.idel: 'idel' is not allowed; did you mean idle? (allowed: ",
    ),
    (
        "name: N\nboxes:\n  - profile: open-path\n    set: {idle: 5}\n",
        "path.yaml: open-path has no timer idle: it has none",
    ),
    (
        "name: N\nboxes: [open-path]\ndevices: [iso]\n",
        "path.yaml: devices: no device called 'iso'; did you mean ios? (allowed: textbook, ",
    ),
    (
        "name: N\nboxes: [open-path]\nsearch: {min: 2h}\n",
        "path.yaml: search: min must be below max, not 7200 and 3540",
    ),
    ("name: N\nboxes: [open-path]\nsearch: {min: soon}\n", "path.yaml:3: search.min: 'soon' is not a duration: "),
    (
        "name: N\nboxes: [open-path]\nsearch: {noise: much}\n",
        "path.yaml:3: search.noise: 'much' is no share: write 0.1 or 10%",
    ),
    ("name: N\nboxes: [open-path]\nwebconfig: none.config\n", "none.config: No such file or directory: "),
    ("name: N\nboxes: [\n", "path.yaml:3:1: broken YAML: a quote or bracket that is never closed"),
]


@pytest.mark.parametrize(("text", "message"), WRONG, ids=[message[10:50] for _, message in WRONG])
def test_a_wrong_path_gives_one_line(folder: Path, text: str, message: str) -> None:
    with pytest.raises(UserError) as raised:
        load_path(written(folder, text), Catalogue())
    told = str(raised.value).removeprefix(f"{folder}/")
    assert told.startswith(message)
    assert "\n" not in told
