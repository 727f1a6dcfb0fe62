"""Feeds every reader of files that people write or that hbprobe left with what atheris makes up: no test of pytest's.

    pip install atheris
    mkdir -p /tmp/files && python tests/fuzz/files.py /tmp/files -max_total_time=300

The first byte says which reader; an empty folder is first given a file of each kind. Whatever comes, the answer is a
value or one line that names the file: UserError, or ValueError where the caller adds the name. What is read can be
written and read again where both are ours.
"""

import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import atheris

with atheris.instrument_imports():
    from hbprobe.evidence.events import readers
    from hbprobe.exchange import settings
    from hbprobe.fleet import mix
    from hbprobe.lab import pathfile
    from hbprobe.measure import description, journal
    from hbprobe.profiles import loader
    from hbprobe.records import result
    from hbprobe.report.documents import sources
    from hbprobe.watch import watchfile

import hbprobe
from hbprobe.errors import UserError
from hbprobe.profiles.catalogue import Catalogue
from hbprobe.search.search import SearchSettings

_ROOT = Path(__file__).parents[2]
_FOLDER = Path(tempfile.mkdtemp())
_CATALOGUE = Catalogue()
_JOURNAL = description.describe("https://a.example/", "hold", SearchSettings())


def _file(data: bytes, name: str) -> Path:
    path = _FOLDER / name
    path.write_bytes(data)
    return path


def _settings(data: bytes) -> None:
    found = settings.parse_settings(data, "web.config")
    assert found.min_heartbeat_s >= 0


def _profile(data: bytes) -> None:
    loader.load_profile(_file(data, "profile.yaml"))


def _path(data: bytes) -> None:
    pathfile.load_path(_file(data, "path.yaml"), _CATALOGUE)


def _mix(data: bytes) -> None:
    mix.load_mix(_file(data, "mix.yaml"), _CATALOGUE)


def _watch(data: bytes) -> None:
    watchfile.load_watch(_file(data, "watch.yaml"))


def _journal(data: bytes) -> None:
    file = _file(data, "journal.jsonl")
    with journal.Journal(file, _JOURNAL, resume=True) as opened:
        trials, remarks = opened.trials, opened.remarks
    with journal.Journal(file, _JOURNAL, resume=True) as again:
        assert (again.trials, len(again.remarks)) == (trials, len(remarks))


def _result(data: bytes) -> None:
    read = result.load_result(_file(data, "result.json"))
    assert result.Result.from_dict(read.to_dict()).to_dict() == read.to_dict()


def _report(data: bytes) -> None:
    sources.load(_file(data, "document.json"))


def _events(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    for read in (readers.read_json, readers.read_xml, readers.read_text):
        try:
            list(read(text))
        except ValueError:
            continue


_READERS: dict[bytes, Callable[[bytes], None]] = {
    b"c": _settings,
    b"p": _profile,
    b"l": _path,
    b"m": _mix,
    b"w": _watch,
    b"j": _journal,
    b"r": _result,
    b"d": _report,
    b"e": _events,
}

_WEB_CONFIG = (
    b'<configuration><appSettings><add key="MinHeartbeatInterval" value="60"/></appSettings></configuration>'
)
_REG = (
    'Windows Registry Editor Version 5.00\r\n\r\n[HKEY_LOCAL_MACHINE\\A]\r\n"MinHeartbeatInterval"=dword:0000003c\r\n'
)
_WATCHED = b"targets:\n  - name: a\n    url: https://a.example/\nmodules:\n  m: {precision: 5s}\ninterval: 6h\n"
_TRIAL = (
    b'{"event":"start","trial":1,"hold_s":60.0,"started_s":1.5}\n'
    b'{"event":"end","trial":1,"hold_s":60.0,"started_s":1.5,"survived":true,"elapsed_s":60.0}\n'
)
_EVENT = b"Log Name: Application\nSource: MSExchange ActiveSync\nDate: 1/2/2030 8:21:00 AM\nEvent ID: 1040\n"


def _seeds() -> list[bytes]:
    profiles = [path.read_bytes() for path in sorted((_ROOT / "proxy_profiles").rglob("*.yaml"))[::20]]
    paths = [path.read_bytes() for path in (_ROOT / "hbprobe/lab/paths").glob("*.yaml")]
    mixes = [path.read_bytes() for path in (_ROOT / "hbprobe/fleet/mixes").glob("*.yaml")]
    measured = hbprobe.Lab(["cisco-asa"]).run().to_json().encode()
    return [
        b"c" + _WEB_CONFIG,
        b"c" + _REG.encode("utf-16"),
        b"w" + _WATCHED,
        b"j" + json.dumps(_JOURNAL, separators=(",", ":")).encode() + b"\n" + _TRIAL,
        b"e" + _EVENT,
        *(b"p" + data for data in profiles),
        *(b"l" + data for data in paths),
        *(b"m" + data for data in mixes),
        b"r" + measured,
        b"d" + measured,
    ]


def read(data: bytes) -> None:
    """Give bytes to the reader that their first one names."""
    reader = _READERS.get(data[:1])
    if reader is None:
        return
    try:
        reader(data[1:])
    except UserError:
        return


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        if not argument.startswith("-") and not any(Path(argument).iterdir()):
            for number, seed in enumerate(_seeds()):
                (Path(argument) / f"seed-{number}").write_bytes(seed)
    atheris.Setup(sys.argv, read)
    atheris.Fuzz()
