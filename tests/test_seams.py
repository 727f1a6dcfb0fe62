"""A new thing is one file and one row: a copy of hbprobe gets a method, an expiry, a report format, a device
and a field of a trial, and runs each of them."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import hbprobe

METHOD_FILE = '''"""The server is asked for a page, and for another after the hold."""

from hbprobe.trial.methods.idle import IdleMethod


class ToyMethod(IdleMethod):
    """A toy."""


make = ToyMethod
'''
METHOD_ROW = """    MethodTraits(
        name="toy",
        module="hbprobe.trial.methods.toy",
        help="a toy answers",
        words="a toy is quiet",
        schemes=HTTP,
        server=Server.ANY,
        server_timer=True,
        asks=_ANY_SERVER,
        exchange=True,
    ),
"""
EXPIRY_ROW = """    TOY = (
        "toy",
        "FIN at once, as a toy does.",
        Traits(
            layers=(Layer.PACKET, Layer.TCP, Layer.HTTP),
            act=Act.CLOSE,
            http_act=Act.CLOSE,
            manner=Manner.CLOSED,
            aftermath=None,
            answers=False,
            look=LOOKS[Manner.CLOSED],
        ),
    )
"""
FORMAT_FILE = '''"""How many trials, and no more."""


def to_toy(document):
    """Return a report."""
    return f"toy: {document.title}"
'''
FORMAT_ROW = """    "toy": lambda *given: import_module("hbprobe.report.documents.toy").to_toy(*given),
"""
DEVICE_FILE = '''"""A device that asks for seven minutes, always."""

from hbprobe.exchange.algorithms import FixedInterval


class Toy(FixedInterval):
    """A toy."""
'''
DEVICE_ROW = """    DeviceKind(
        "toy", "Toy phone", lambda: import_module("hbprobe.exchange.toy").Toy(420), Basis.EXAMPLE, None, ""
    ),
"""
BOX = """
id: toy-box
name: A toy
category: example
layer: packet
about: A toy.
timers:
  idle:
    default: 350
    expiry: toy
    restarted_by: any-packet
    source: toy
sources:
  toy:
    grade: example
    says: Made up.
"""
FIELD = '    toy: str = "played"\n'
PART = '    toy: str = ""\n'
RUN = """
import json
from pathlib import Path
import hbprobe
from hbprobe.cli.main import main

result = hbprobe.Lab(["toy-box.yaml"], method="toy", max=600).run()
Path("result.json").write_text(result.to_json())
again = hbprobe.load_result(Path("result.json"))
status = main(["report", "result.json", "--out", "report.toy"])
print(json.dumps({
    "home": hbprobe.__file__,
    "method": again.method,
    "limit": [again.limit.survived_s, again.limit.cut_s, again.limit.manner],
    "devices": [device.id for device in again.verdict.devices],
    "status": status,
    "fields": [json.loads(again.to_json())["trials"][0]["toy"], again.trials[0].outcome.toy],
    "report": Path("report.toy").read_text(),
}))
"""
ROWS = (
    ("trial/methods/table.py", '    MethodTraits(\n        name="idle"', METHOD_ROW),
    ("manner.py", "    RESPOND = (", EXPIRY_ROW),
    ("report/documents/formats.py", '    "html": _html', FORMAT_ROW),
    ("trial/outcome.py", "    connection: Connection | None = None", FIELD),
    ("records/result_parts.py", "    connection: ConnectionPart | None = None", PART),
    ("exchange/devices.py", '    DeviceKind(\n        "android-4.4"', DEVICE_ROW),
)
"""In which file, before what, a row is added."""
FILES = {
    "trial/methods/toy.py": METHOD_FILE,
    "report/documents/toy.py": FORMAT_FILE,
    "exchange/toy.py": DEVICE_FILE,
}


@pytest.fixture(scope="session")
def ran(tmp_path_factory):
    """What a copy of hbprobe with toys in it says of itself."""
    folder = tmp_path_factory.mktemp("toys")
    ours, shipped = Path(hbprobe.__file__).parent, Path(hbprobe.__file__).parent.parent / "proxy_profiles"
    shutil.copytree(ours, folder / "hbprobe", ignore=shutil.ignore_patterns("__pycache__"))
    if shipped.is_dir():  # beside the package in the project, within it where that is installed
        shutil.copytree(shipped, folder / "proxy_profiles")
    for name, text in FILES.items():
        (folder / "hbprobe" / name).write_text(text, encoding="utf-8")
    for name, before, row in ROWS:
        file = folder / "hbprobe" / name
        text = file.read_text(encoding="utf-8")
        assert text.count(before) == 1, f"{name} is not as this test thinks"
        text = text.replace(before, row + before)
        if "import_module" in row:
            text = text.replace("\nfrom ", "\nfrom importlib import import_module\nfrom ", 1)
        file.write_text(text, encoding="utf-8")
    (folder / "toy-box.yaml").write_text(BOX, encoding="utf-8")
    done = subprocess.run([sys.executable, "-c", RUN], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert Path(told["home"]).parent.parent == folder
    return told


def test_a_method_is_a_file_and_a_row(ran):
    assert ran["method"] == "toy"


def test_an_expiry_is_a_row(ran):
    survived_s, cut_s, manner = ran["limit"]
    assert survived_s < 350 <= cut_s + 0.1
    assert manner == "closed"


def test_a_report_format_is_a_file_and_a_row(ran):
    assert ran["status"] == 0
    assert ran["report"].startswith("toy: ")


def test_a_device_is_a_file_and_a_row(ran):
    assert "toy" in ran["devices"]


def test_a_field_of_a_trial_is_a_line_in_the_value_and_a_line_in_its_part(ran):
    assert ran["fields"] == ["played", "played"]
