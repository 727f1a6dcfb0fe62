"""How fast logs are read, beside awk and plain Python in the same run: python tests/benchmarks/logs.py [MEGABYTES].

Generates logs of five sites with three lists of fields, which change in the middle of some files; the generator
counts what it writes, and every reader must count the same.
"""

import collections
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from hbprobe.evidence.logs.request import Logs

_FIRST = "date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent)"
_STATUS = "sc-status sc-substatus sc-win32-status"
LISTS = (
    f"{_FIRST} cs(Referer) {_STATUS} time-taken",
    f"{_FIRST} {_STATUS} time-taken",
    f"s-sitename s-computername {_FIRST} cs-version cs(Cookie) cs-host {_STATUS} sc-bytes cs-bytes time-taken",
)
POOL = 20_000
TIME = b"00:00:00"
BUDGET = (
    "_Budget:(A)Owner%3aS-1-5-21-1-2-3-1001%5FSYNTH%5FPhone%2cConn%3a0%2cMaxConn%3a10%2cMaxBurst%3a480000%2cBalance%3a480000"
    "%2cCutoff%3a600000%2cRechargeRate%3a1800000%2cPolicy%3aGlobalThrottlingPolicy%5F00000000-0000-4000-8000-000000000001%2c"
    "IsServiceAccount%3aFalse%2cLiveTime%3a00%3a00%3a30.5%3b(D)Conn%3a0%2cMaxConn%3a10%2cBalance%3a480000_"
)


def values(chance, site):
    """Return the fields of a request, by name, and whether it is ActiveSync's."""
    is_eas = chance.random() < 0.53
    device = chance.randrange(2000)
    heartbeat_s = chance.choice([480, 600, 780, 1080])
    command = chance.choice(["Ping", "Ping", "Sync", "FolderSync"])
    blob = f"SC1:1_PrxFrom:192.0.2.10_Ver1:161_HH:mail.example.test_SmtpAdrs:u{device}%40example.test_"
    if command == "Ping":
        blob += f"Hb:{heartbeat_s}_Rto:1_Cpo:656_Fet:{heartbeat_s}000_"
    blob += f"Mbx:mbx1.example.test_Cafe:FE1.EXAMPLE.TEST_Dc:dc1.example.test_Throttle:0_SBkOffD:L%2f-470{BUDGET}"
    query = f"User=u{device}@example.test&DeviceId=SYNTH{device:06d}&DeviceType=iPhone&Cmd={command}&Log={blob}"
    return {
        "date": "2030-01-02",
        "time": TIME.decode(),
        "s-ip": f"192.0.2.{site}",
        "cs-method": "POST",
        "cs-uri-stem": "/Microsoft-Server-ActiveSync/Proxy/default.eas" if is_eas else "/owa/service.svc",
        "cs-uri-query": query if is_eas else "action=GetItem&ADLatency=5",
        "s-port": "444",
        "cs-username": f"EXAMPLE\\u{device}",
        "c-ip": f"198.51.{device % 100}.{device % 250}",
        "cs(User-Agent)": "Apple-iPhone12C1/1806.72",
        "cs(Referer)": "-",
        "sc-status": chance.choice(["200", "200", "200", "449", "503"]),
        "sc-substatus": "0",
        "sc-win32-status": "0",
        "time-taken": str(heartbeat_s * 1000 + 13) if command == "Ping" else "15",
        "s-sitename": f"W3SVC{site}",
        "s-computername": f"EX{site}",
        "cs-version": "HTTP/1.1",
        "cs(Cookie)": "-",
        "cs-host": "mail.example.test",
        "sc-bytes": "313",
        "cs-bytes": "612",
    }, (command, is_eas)


def generate(folder, megabytes):
    """Write the logs; return the bytes, and how many requests there are by command and status."""
    chance, truth, size = random.Random(1), collections.Counter(), 0
    for number in range(10):
        site = number % 5 + 1
        lists = [LISTS[number % 3]] if number % 5 else [LISTS[0], LISTS[2]]
        file = folder / f"W3SVC{site}" / f"u_ex3001{number + 10}.log"
        file.parent.mkdir(exist_ok=True)
        with file.open("wb") as out:
            for part, fields in enumerate(lists):
                pool = []
                for _ in range(POOL // len(lists)):
                    named, (command, is_eas) = values(chance, site)
                    line = " ".join(named[name] for name in fields.split()) + "\r\n"
                    before, _, after = line.encode().partition(TIME)
                    pool.append((before, after, (command, named["sc-status"]) if is_eas else None))
                out.write(
                    f"#Software: Microsoft Internet Information Services 10.0\r\n#Fields: {fields}\r\n".encode()
                )
                wanted = megabytes * 100_000 // len(lists)
                written = 0
                while written < wanted:
                    for before, after, counted in pool:
                        second = 86_399 * (part * wanted + written) // (len(lists) * wanted)
                        time_of_day = b"%02d:%02d:%02d" % (second // 3600, second // 60 % 60, second % 60)
                        out.write(before + time_of_day + after)
                        written += len(before) + len(TIME) + len(after)
                        if counted:
                            truth[counted] += 1
                        if written >= wanted:
                            break
        size += file.stat().st_size
    return size, truth


AWK = """
/^#Fields:/ {for (i = 2; i <= NF; i++) place[$i] = i - 1; next}
/^#/ {next}
tolower($place["cs-uri-stem"]) ~ /^\\/microsoft-server-activesync/ {
  query = $place["cs-uri-query"]; command = query; sub(/.*Cmd=/, "", command); sub(/&.*/, "", command)
  count[command " " $place["sc-status"]]++
}
END {for (key in count) print key, count[key]}
"""


def by_awk(folder):
    program = shutil.which("mawk") or shutil.which("awk")
    files = sorted(map(str, folder.rglob("*.log")))
    text = subprocess.run([program, AWK, *files], capture_output=True, text=True, check=True).stdout
    return collections.Counter(
        {tuple(key.split()): int(n) for key, n in (line.rsplit(" ", 1) for line in text.splitlines())}
    )


def by_python(folder):
    counts = collections.Counter()
    for file in folder.rglob("*.log"):
        place = {}
        with file.open("rb") as lines:
            for line in lines:
                if line.startswith(b"#"):
                    if line.startswith(b"#Fields:"):
                        place = {name: number for number, name in enumerate(line.split()[1:])}
                    continue
                parts = line.split(b" ")
                if parts[place[b"cs-uri-stem"]].lower().startswith(b"/microsoft-server-activesync"):
                    command = parts[place[b"cs-uri-query"]].partition(b"Cmd=")[2].partition(b"&")[0]
                    counts[command.decode(), parts[place[b"sc-status"]].decode()] += 1
    return counts


def by_hbprobe(folder):
    with Logs([folder]).opened() as logs:
        return counts_of(logs)


def to_the_answer(folder):
    with Logs([folder]).opened(is_all_asked=False) as logs:  # as `hbprobe logs FOLDER` does
        logs.evidence()
        return counts_of(logs)


def counts_of(logs):
    sql = "SELECT command, CAST(status AS VARCHAR), count(*) FROM lines GROUP BY ALL"
    return collections.Counter(
        {(command, status): n for command, status, n in logs.connection.execute(sql).fetchall()}
    )


READERS = {
    "awk, counting": by_awk,
    "plain Python, counting": by_python,
    "hbprobe logs, rows and silences": by_hbprobe,
    "hbprobe logs, to the answer": to_the_answer,
}


def processor_s():
    each = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in each)


def say(text):
    sys.stdout.write(text + "\n")


def main():
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        size, truth = generate(folder, megabytes)
        load, cores = os.getloadavg()[0], os.cpu_count()
        say(f"{size / 1e6:.0f} MB, {sum(truth.values())} lines of ActiveSync; {cores} cores, load {load:.1f} before")
        for what, read in READERS.items():
            started, busy = time.perf_counter(), processor_s()
            found = read(folder)
            took_s, busy_s = time.perf_counter() - started, processor_s() - busy
            same = "same counts" if found == truth else "OTHER COUNTS"
            rates = f"{size / 1e6 / took_s:6.0f} MB/s {size / 1e6 / busy_s:6.0f} MB for each second of a processor"
            say(f"{what:34} {rates}  {same}")
        whose = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        say(f"at most {whose / 1024:.0f} MiB of memory in this process, generator and all")


if __name__ == "__main__":
    main()
