"""Makes the outputs and pictures of docs/logs.md: `python docs/logs_examples.py`, which takes a minute.

The company is simulated by `hbprobe fleet --iis-log`; a Nokia that is blocked by policy and a third-party app are
added.
"""

import contextlib
import io
import os
import re
import shlex
import shutil
import tempfile
from pathlib import Path

from hbprobe.cli.main import main
from hbprobe.eas.iis_log import FIELDS

DOCUMENT = Path(__file__).with_name("logs.md")
PICTURES = Path(__file__).parent / "pictures"
EXAMPLE = re.compile(r"(?<=^    )(hbprobe logs [^\n]+)\n\n```\n(.*?)```", re.MULTILINE | re.DOTALL)
"""A command, and what it prints."""
MIX = """\
devices: {ios: 40, android-4.4: 17, android-4.1: 17, outlook-540: 8, outlook-180: 9, windows-mobile: 9}
paths:
  - {name: wifi, share: 34, profile: open-path}
  - {name: carrier A, share: 33, limit: 20min}
  - {name: carrier B, share: 33, limit: 5min, how: reset}
mail: {per_day: 40}
moves_per_day: 6
after_loss: {at_once: 0.5, wait: 1min}
"""
SEED = "1"
_LINE = (
    "2030-01-02 {time} 192.0.2.10 POST /Microsoft-Server-ActiveSync/default.eas {query} 443 {user} 203.0.113.77 "
    "{agent} - {status} 0 0 {took}\n"
)


def make(folder: Path, devices: int, days: float) -> None:
    """Write the logs of the company to `logs` in a folder."""
    (folder / "mix.yaml").write_text(MIX)
    asked = f"fleet --mix {folder}/mix.yaml --devices {devices} --days {days} --seed {SEED} --iis-log {folder}/logs"
    with contextlib.redirect_stdout(io.StringIO()):
        main(shlex.split(asked))
    nokia = "Cmd=Sync&User=carol&DeviceId=NOKIA01&DeviceType=NokiaE72&Log=V120_Ssnf:T_As:BlockedP_"
    cloud = "Cmd=Sync&User=dave&DeviceId=CLOUDMAGIC01&DeviceType=CloudMagic&Log=V141_St:S_S1_As:AllowedG_"
    lines = [
        _LINE.format(
            time=f"09:{number:02}:00",
            query=nokia,
            user="carol",
            agent="Nokia+E72+MailforExchange/3.0",
            status=449,
            took=31,
        )
        for number in range(12)
    ]
    lines += [
        _LINE.format(
            time=f"10:{2 * number:02}:00", query=cloud, user="dave", agent="CloudMagic/1.0", status=200, took=120
        )
        for number in range(30)
    ]
    (folder / "logs/W3SVC1/added.log").write_text(f"#Fields: {FIELDS}\n" + "".join(lines))


def printed(command: str) -> str:
    """Return what a command prints in this folder."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        main(shlex.split(command)[1:])
    return "".join(f"{line.rstrip()}\n" for line in out.getvalue().strip("\n").splitlines())


def make_all() -> None:
    """Run every command of the document, and put what it prints where it stands."""
    with tempfile.TemporaryDirectory() as name, contextlib.chdir(name):
        os.environ["COLUMNS"] = "110"
        make(Path(name), devices=200, days=1)
        text = DOCUMENT.read_text(encoding="utf-8")
        text = EXAMPLE.sub(lambda match: f"{match[1]}\n\n```\n{shortened(match[1], printed(match[1]))}```", text)
        DOCUMENT.write_text(text, encoding="utf-8")
        printed("hbprobe logs logs --plot limits.png")
        shutil.copy("limits.png", PICTURES / "logs-limits.png")
        shutil.copy("agents.png", PICTURES / "logs-user-agents.png")


def shortened(command: str, output: str) -> str:
    """Return what the document is about: of an export the files, of requests line by line the first."""
    if "--export" in command:
        return "".join(f"{line}\n" for line in output.splitlines() if line.startswith("wrote"))
    if "--report requests" in command:
        return "\n\n".join(output.split("\n\n")[:2]).rstrip() + "\n"
    return output


if __name__ == "__main__":
    make_all()
