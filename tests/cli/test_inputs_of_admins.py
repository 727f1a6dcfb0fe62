"""What administrators hand over, as it is met in public: each kind of file, and what must be said of it."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from hbprobe.cli.main import main

DEFAULTS = (60, 3540, 200, 540)
CHANGED = (120, 900, 300, 480)
FOUR = (
    ("MinHeartbeatInterval", "120"),
    ("MaxHeartbeatInterval", "900"),
    ("HeartbeatSampleSize", "300"),
    ("HeartbeatAlertThreshold", "480"),
)
FILE = r"give the back end's ClientAccess\Sync\web.config"
ALL_DEFAULTS = r"all defaults: is this the back end's file, ClientAccess\Sync\web.config?"


def add(*pairs: tuple[str, str]) -> str:
    return "\n".join(f'    <add key="{key}" value="{value}" />' for key, value in pairs)


def config(inside: str, head: str = '<?xml version="1.0" encoding="utf-8"?>', section: str = "") -> str:
    return f"{head}\n<configuration>\n  <appSettings{section}>\n{inside}\n  </appSettings>\n</configuration>\n"


def one(value: str, key: str = "MaxHeartbeatInterval") -> str:
    return config(add((key, value)))


def no_number(value: str, key: str = "MaxHeartbeatInterval", default: int = 3540) -> str:
    return f"{key} {value!r} is not a whole number: Exchange uses {default}"


FULL = config(add(*FOUR))
UTF_16 = config(add(*FOUR), '<?xml version="1.0" encoding="utf-16"?>')
GERMAN = config(f"    <!-- geändert -->\n{add(*FOUR)}", '<?xml version="1.0" encoding="windows-1252"?>')
OLD = FULL.replace("<configuration>", '<configuration xmlns="http://schemas.microsoft.com/.NetConfiguration/v2.0">')
FRONT_END = "<configuration><appSettings><add key='Other' value='x'/></appSettings></configuration>"
EXPORT = """Windows Registry Editor Version 5.00

[HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\MasSync\\Parameters]
"MinHeartbeatInterval"=dword:0000003c
"MaxHeartbeatInterval"=dword:00000a8c
"HbiSampleSize"=dword:00000064
"""
SHIPPED = (("ProxyHandlerLongTimeout", "3600"), ("MaxNumOfFolders", "1000"), ("MaxThrottlingDelay", "45"))

READ: dict[str, tuple[str | bytes, tuple[int, int, int, int], Sequence[str]]] = {
    "as 2016 and 2019 ship it, with mark and line ends of Windows": (
        config(add(*zip([key for key, _ in FOUR], map(str, DEFAULTS), strict=True), *SHIPPED))
        .replace("\n", "\r\n")
        .encode("utf-8-sig"),
        DEFAULTS,
        [],
    ),
    "the front end's": (FRONT_END, DEFAULTS, [ALL_DEFAULTS]),
    "UTF-8 with mark": (FULL.encode("utf-8-sig"), CHANGED, []),
    "UTF-16": (UTF_16.encode("utf-16"), CHANGED, []),
    "UTF-16, high byte first, without mark": (UTF_16.encode("utf-16-be"), CHANGED, []),
    "Windows-1252": (GERMAN.encode("cp1252"), CHANGED, []),
    "other case": (config(add(*((key.upper(), value) for key, value in FOUR))), CHANGED, []),
    "old namespace": (OLD, CHANGED, []),
    "commented out, and twice": (
        config(f"<!-- {add(FOUR[1])} -->\n{add(('MaxHeartbeatInterval', '1800'), ('MaxHeartbeatInterval', '2700'))}"),
        (60, 2700, 200, 540),
        ["MaxHeartbeatInterval is set on line 5 and again on line 6: the last one counts"],
    ),
    "removed and cleared": (
        config(f'{add(FOUR[1])}<remove key="MaxHeartbeatInterval"/><clear/>{add(("MinHeartbeatInterval", "90"))}'),
        (90, 3540, 200, 540),
        [],
    ),
    "blanks around numbers": (one(" 900\t"), (60, 900, 200, 540), []),
    "a plus": (one("+900"), (60, 900, 200, 540), []),
    "character references": (one("&#57;00"), (60, 900, 200, 540), []),
    "no value": (config('<add key="MaxHeartbeatInterval" />'), DEFAULTS, []),
    "a unit": (one("900s"), DEFAULTS, [no_number("900s")]),
    "minutes and seconds": (one("59:00"), DEFAULTS, [no_number("59:00")]),
    "separated thousands": (one("3,540"), DEFAULTS, [no_number("3,540")]),
    "a fraction": (one("900.0"), DEFAULTS, [no_number("900.0")]),
    "hexadecimal": (one("0x384"), DEFAULTS, [no_number("0x384")]),
    "a blank that breaks no line": (one("900\u00a0"), DEFAULTS, [no_number("900\u00a0")]),
    "wide digits": (one("\uff19\uff10\uff10"), DEFAULTS, [no_number("\uff19\uff10\uff10")]),
    "more than 32 bits": (one("4294967296"), DEFAULTS, [no_number("4294967296")]),
    "above the highest": (
        one("3600"),
        DEFAULTS,
        ["MaxHeartbeatInterval 3600 is above 3540: Exchange uses 60 and 3540 instead of the two"],
    ),
    "least above most": (
        config(add(("MinHeartbeatInterval", "900"), ("MaxHeartbeatInterval", "600"))),
        DEFAULTS,
        ["MinHeartbeatInterval 900 is above MaxHeartbeatInterval 600: Exchange uses 60 and 3540 instead of the two"],
    ),
    "no samples": (
        one("0", "HeartbeatSampleSize"),
        DEFAULTS,
        [
            (
                "HeartbeatSampleSize 0 passes Exchange's check but leaves no room for a sample: set 1 or more "
                "(taken as 200 here)"
            )
        ],
    ),
    "a threshold too high": (
        one("3600", "HeartbeatAlertThreshold"),
        DEFAULTS,
        ["HeartbeatAlertThreshold 3600 is outside 0..3540: Exchange uses 540"],
    ),
    "the least alone raised": (
        one("900", "MinHeartbeatInterval"),
        (900, 3540, 200, 540),
        ["HeartbeatAlertThreshold 540 is below MinHeartbeatInterval 900: event 1040 can never come"],
    ),
    "misspelt beside right": (
        config(add(("MaxHeartbeatInterval", "900"), ("HeartbeatAlertTreshold", "300"))),
        (60, 900, 200, 540),
        ["'HeartbeatAlertTreshold' is no setting, so Exchange ignores it: is HeartbeatAlertThreshold meant?"],
    ),
    "misspelt alone": (
        one("900", "MaxHeartbeatIntervall"),
        DEFAULTS,
        ["'MaxHeartbeatIntervall' is no setting, so Exchange ignores it: is MaxHeartbeatInterval meant?"],
    ),
    "names of 2003": (
        one("100", "HbiSampleSize"),
        DEFAULTS,
        ["HbiSampleSize is the name of Exchange Server 2003, which later ones ignore: they have HeartbeatSampleSize"],
    ),
    "another server's timer too short": (
        config(add(("ProxyHandlerLongTimeout", "600"))),
        DEFAULTS,
        [
            ALL_DEFAULTS,
            (
                "ProxyHandlerLongTimeout 600 is not above MaxHeartbeatInterval 3540: "
                "a longer Ping that one Exchange server hands on to another dies after 600 s"
            ),
        ],
    ),
    "values in another file": (
        config(add(*FOUR), section=' file="more.config"'),
        CHANGED,
        ["appSettings takes values from the file 'more.config', which was not read: Exchange may go by others"],
    ),
    "values from builders": (
        config(add(*FOUR), section=' configBuilders="Environment"'),
        CHANGED,
        [
            (
                "appSettings takes values from the configuration builders 'Environment', which were not run: "
                "Exchange may go by others"
            )
        ],
    ),
    "registry export of 2003": (EXPORT.replace("\n", "\r\n").encode("utf-16"), (60, 2700, 100, 540), []),
}

REFUSED: dict[str, tuple[str | bytes, str]] = {
    "encrypted": (
        config("<EncryptedData/>", section=' configProtectionProvider="RsaProtectedConfigurationProvider"'),
        (
            ":3: appSettings is encrypted (RsaProtectedConfigurationProvider), and cannot be read here: on that "
            "server, copy the file into a folder, run aspnet_regiis -pdf appSettings FOLDER, and give the copy"
        ),
    ),
    "transform": (
        config('<add key="MaxHeartbeatInterval" value="300" xdt:Transform="Remove"/>').replace(
            "<configuration>", '<configuration xmlns:xdt="http://schemas.microsoft.com/XML-Document-Transform">'
        ),
        (
            ":4: has xdt:Transform, so it is a transform, which says how to change a configuration and is none: "
            "give the web.config that came of it"
        ),
    ),
    "prefixed": (
        '<c:configuration xmlns:c="urn:x"/>',
        f":1: begins with <c:configuration>, not <configuration>: {FILE}",
    ),
    "the section alone": (
        f"<appSettings>{add(*FOUR)}</appSettings>",
        f":1: is a part of a configuration, which begins with <appSettings>: put it into <configuration>, or {FILE}",
    ),
    "lines alone": (
        add(*FOUR),
        (
            ":1: is a part of a configuration, which begins with <add>: "
            f"put it into <configuration><appSettings>, or {FILE}"
        ),
    ),
    "typographic quotation marks": (
        config("<add key=\u201cMaxHeartbeatInterval\u201d value=\u201c900\u201d/>"),
        (
            ":4:10: is not well-formed XML (not well-formed (invalid token)): its quotation marks are typographic: "
            'put " instead'
        ),
    ),
    "copied from a page": (
        config("&lt;add key=&quot;MaxHeartbeatInterval&quot;/&gt;"),
        ":4: has its tags as text (&lt;): copy the file, not a page that shows it",
    ),
    "cut off": (
        FULL[:200],
        ":6:5: is not well-formed XML (unclosed token): the file ends too early: copy all of it",
    ),
    "empty": ("", f": is empty: {FILE}"),
    "UTF-32": (FULL.encode("utf-32"), ":1: is UTF-32: save it as UTF-8"),
}


BOX = """id: theirs
name: Theirs
category: load-balancer
layer: {layer}
timers:
  {kind}: {{{timer}, source: report}}
sources:
  report: {{url: https://example.com/report, grade: third-party}}
"""
CLOSES = "expiry: close, restarted_by: data"
ANSWERS = "expiry: respond, status: 504, restarted_by: nothing"
LIFETIME = "a lifetime: nothing that moves sets it back"
NOTHING_HELPS = "Neither keep-alives nor data help"
PATH_FILE = "name: a path\nboxes: [box.yaml]\ndevices: [outlook-180, outlook-540]\nsearch: {min: 20}\n"
NEVER = ("No timer helps", "cannot be set to that")
"""What may be said of none of them: a timer helps each device that waits too long, and what is impossible is not
named."""


def box(layer: str, kind: str, timer: str) -> str:
    return BOX.format(layer=layer, kind=kind, timer=timer)


BOXES: dict[str, tuple[str, Sequence[str], Sequence[str]]] = {
    "a proxy's 504 at 85 s, which goes up to 180 s, and Outlook's app": (
        box("http", "server_response", f"default: 85, max: 180, {ANSWERS}"),
        ["lab", "path.yaml"],
        [
            "cut at 85 s: HTTP status 504",
            "its timer goes up to 180 s, and 600 s (10 min) would be enough",
            "ticket 600 s (10 min) or more",
            "2 of 2 kinds of devices lose requests; event 1040: none by this path, 2 on any",
        ],
    ),
    "a gateway that resets after 30 min without data": (
        box("tcp", "idle", "default: 30min, expiry: reset, restarted_by: data"),
        ["diagnose", "--lab", "box.yaml"],
        ["cut at 1800 s: reset (RST)", "The timer is long enough for these devices.", "Azure SQL gateway"],
    ),
    "a TCP proxy that closes after 270 s without data": (
        box("tcp", "idle", f"default: 270, {CLOSES}"),
        ["diagnose", "--lab", "box.yaml"],
        ["cut at 270 s: closed (FIN)", "a TCP proxy or load balancer", "Cloudflare Gateway"],
    ),
    "four hours, beyond what is tried": (
        box("tcp", "idle", f"default: 4h, {CLOSES}"),
        ["lab", "box.yaml"],
        ["survives 3540 s; nothing beyond 59 min was tried"],
    ),
    "four hours": (
        box("tcp", "idle", f"default: 4h, {CLOSES}"),
        ["lab", "box.yaml", "--max", "5h"],
        ["cut at 14400 s: closed (FIN)"],
    ),
    "a provider's three minutes in front of a proxy that is blamed": (
        box("tcp", "idle", f"default: 3min, {CLOSES}"),
        ["lab", "box.yaml,traefik"],
        ["cut at 180 s: closed (FIN), by theirs"],
    ),
    "a reset after two hours, whatever moves": (
        box("packet", "lifetime", "default: 2h, expiry: reset, restarted_by: nothing"),
        ["diagnose", "--lab", "box.yaml", "--max", "3h"],
        [
            "cut at 7200 s: reset (RST)",
            "a lifetime: nothing that moves sets it back",
            "Neither keep-alives nor data help",
        ],
    ),
    "a proxy's 504 after five minutes": (
        box("http", "server_response", f"default: 5min, {ANSWERS}"),
        ["diagnose", "--lab", "box.yaml"],
        ["cut at 300 s: HTTP status 504", "Microsoft Web Application Proxy"],
    ),
    "a close after five minutes, whatever moves": (
        box("tcp", "lifetime", "default: 5min, expiry: close, restarted_by: nothing"),
        ["diagnose", "--lab", "box.yaml"],
        [
            "cut at 300 s: closed (FIN)",
            "a lifetime: nothing that moves sets it back",
            "Neither keep-alives nor data help",
        ],
    ),
}


@pytest.mark.parametrize(("profile", "command", "said"), BOXES.values(), ids=BOXES)
def test_boxes_of_public_reports(
    profile: str,
    command: Sequence[str],
    said: Sequence[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    Path("box.yaml").write_text(profile)
    Path("path.yaml").write_text(
        "name: a path\nboxes: [box.yaml]\ndevices: [outlook-180, outlook-540]\nsearch: {min: 20}\n"
    )
    assert main([*command, "--connections", "8"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert [words for words in said if words not in told] == []
    assert [words for words in NEVER if words in told] == []
    assert "AWS API Gateway" not in told, "its two hours are fixed, and it closes"


def _verdict(path: Path, content: str | bytes, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    status = main(["verdict", "--limit", "600", "--webconfig", str(path), "--json"])
    told = capsys.readouterr()
    return status, told.out, told.err


@pytest.mark.parametrize(("content", "values", "said"), READ.values(), ids=READ)
def test_what_exchange_reads_is_taken_as_it_takes_it(
    content: str | bytes,
    values: tuple[int, ...],
    said: Sequence[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    status, out, _ = _verdict(tmp_path / "web.config", content, capsys)
    settings = json.loads(out)["verdict"]["settings"]
    assert [*settings.values()][:4] == [*values]
    assert [problem["text"] for problem in settings["problems"]] == [*said]
    assert status == 1, "ten minutes are too short for some device with every one of these"


@pytest.mark.parametrize(("content", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_read_is_never_taken_for_defaults(
    content: str | bytes, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "web.config"
    assert _verdict(path, content, capsys) == (2, "", f"hbprobe: {path}{message}\n")
