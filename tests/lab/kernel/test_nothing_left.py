"""Labs run as programs, as this user and as an ordinary one: what they find, and that nothing of them is left.

A namespace without a name cannot be listed. So each one that a program makes is given a number here (RTM_NEWNSID,
linux/net_namespace.h), and the kernel takes the number back when the namespace is gone: with its links, rules,
sockets and state.
"""

import contextlib
import json
import os
import re
import runpy
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hbprobe.manner import Aftermath, Manner

pytestmark = [pytest.mark.usefixtures("namespaces"), pytest.mark.realtime]

SCENARIOS = Path(__file__).with_name("scenarios.py")
LAB = ["-m", "hbprobe", "lab", "--kernel", "azure-load-balancer-tcp-reset", "ten-minute-provider", "--clock", "60"]
PATIENCE_S = 20.0
RTM_NEWNSID, RTM_GETNSID = 88, 90
NETNSA_NSID, NETNSA_FD = 1, 3
NLM_F_REQUEST, NLM_F_ACK, NLM_F_DUMP = 1, 4, 0x300


class Program:
    """A program in a session of its own, and the namespaces that were seen in its hands."""

    def __init__(self, argv, tmp_path):
        self.errors = tmp_path / f"{id(self)}.txt"
        with self.errors.open("w") as errors:
            self.process = subprocess.Popen(
                argv, stdout=subprocess.PIPE, stderr=errors, text=True, start_new_session=True
            )
        self.numbers = {}
        """The namespaces' inodes, and the numbers that they were given."""

    def processes(self):
        """Return the processes of its session that are alive."""
        return [pid for pid in pids() if session_of(pid) == self.process.pid and not has_ended(pid)]

    def see(self, count):
        """Wait until so many namespaces are held, and number them."""
        deadline_s = time.perf_counter() + PATIENCE_S
        while len(self.numbers) < count:
            assert self.process.poll() is None, self.errors.read_text()
            assert time.perf_counter() < deadline_s
            for pid in self.processes():
                self._number_those_of(pid)
            time.sleep(0.05)  # noqa: TID251  no loop here

    def _number_those_of(self, pid):
        ours = Path("/proc/self/ns/net").stat().st_ino
        with contextlib.suppress(OSError):
            for entry in Path(f"/proc/{pid}/fd").iterdir():
                is_one = re.fullmatch(r"net:\[(\d+)\]", str(entry.readlink()))
                if is_one and int(is_one[1]) not in (ours, *self.numbers):
                    self.numbers[int(is_one[1])] = number(entry) if os.geteuid() == 0 else None

    def assert_that_nothing_is_left(self):
        deadline_s = time.perf_counter() + PATIENCE_S
        unnumbered = {inode for inode, number in self.numbers.items() if number is None}
        # An inode goes to the next lab, wherever that runs; the number of a namespace does not outlive it.
        while (
            self.processes()
            or (unnumbered and unnumbered & held_namespaces())
            or set(self.numbers.values()) & numbers()
        ):
            assert time.perf_counter() < deadline_s, (self.processes(), self.numbers, numbers())
            time.sleep(0.05)  # noqa: TID251  no loop here


def pids():
    return [entry.name for entry in Path("/proc").iterdir() if entry.name.isdecimal()]


def session_of(pid):
    with contextlib.suppress(ProcessLookupError):
        return os.getsid(int(pid))
    return None


def has_ended(pid):
    """Tell whether it is gone, or a zombie."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    return True


def held_namespaces():
    """Return the namespaces that any process is in, or holds open, and those that are mounted."""
    found = set()
    for pid in pids():
        with contextlib.suppress(OSError):
            for entry in (Path(f"/proc/{pid}/ns/net"), *Path(f"/proc/{pid}/fd").iterdir()):
                with contextlib.suppress(OSError):
                    found |= {int(inode) for inode in re.findall(r"^net:\[(\d+)\]$", str(entry.readlink()))}
    return found | {int(inode) for inode in re.findall(r"net:\[(\d+)\]", Path("/proc/self/mountinfo").read_text())}


def ask_kernel(kind, flags, body):
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as line:
        line.send(struct.pack("=IHHII", 16 + len(body), kind, flags, 1, 0) + body)
        return line.recv(1 << 16)


def number(namespace):
    """Have the kernel give a namespace a number, and return it."""
    with namespace.open("rb") as file:
        which = struct.pack("=HHI", 8, NETNSA_FD, file.fileno())
        ask_kernel(
            RTM_NEWNSID, NLM_F_REQUEST | NLM_F_ACK, b"\0" * 4 + struct.pack("=HHi", 8, NETNSA_NSID, -1) + which
        )
        answer = ask_kernel(RTM_GETNSID, NLM_F_REQUEST, b"\0" * 4 + which)
    assert struct.unpack_from("=HH", answer, 20) == (8, NETNSA_NSID)
    return struct.unpack_from("=i", answer, 24)[0]


def numbers():
    """Return the numbers that are taken."""
    answer = ask_kernel(RTM_GETNSID, NLM_F_REQUEST | NLM_F_DUMP, b"\0" * 4)
    found, at = set(), 0
    while at < len(answer):
        length, kind = struct.unpack_from("=IH", answer, at)
        if kind == RTM_NEWNSID:
            found.add(struct.unpack_from("=i", answer, at + 24)[0])
        at += (length + 3) & ~3
    return found


@pytest.fixture
def start(tmp_path):
    with contextlib.ExitStack() as stack:

        def run(*argv):
            program = Program(argv, tmp_path)
            stack.enter_context(program.process)
            stack.callback(program.process.kill)
            return program

        yield run


# What they find

EXPECTED = {
    "silent": (Manner.SILENT, Aftermath.NOTHING),
    "reset-on-next": (Manner.SILENT, Aftermath.RESET),
    "reset-on-next to the client": (Manner.SILENT, Aftermath.RESET),
    "reset": (Manner.RESET, None),
    "close": (Manner.CLOSED, None),
    "revived by the client": (Manner.SILENT, Aftermath.ACKNOWLEDGED),
    "NAT, silent": (Manner.SILENT, Aftermath.NOTHING),
    "NAT, reset-on-next": (Manner.SILENT, Aftermath.RESET),
    "NAT, reset": (Manner.RESET, None),
    "plain routing": (None, None),
    "silent, as a Redis client": (Manner.SILENT, Aftermath.NOTHING),
}
WITHOUT_PRIVILEGES = ("silent", "NAT, reset-on-next", "NAT, reset")
"""What an ordinary user's own namespaces could do otherwise: rules, translation, and a watcher with raw sockets."""


def test_the_kernel_and_the_relay_give_the_same_limits_and_manners(start, python_without_privileges):
    scenarios = runpy.run_path(str(SCENARIOS))
    relayed = scenarios["told"](scenarios["as_relays"], list(EXPECTED))
    programs = {
        names: start(*python, str(SCENARIOS), *names)
        for names, python in ((WITHOUT_PRIVILEGES, python_without_privileges), (tuple(EXPECTED), [sys.executable]))
    }
    for names, program in programs.items():
        program.see(3 * len(names))
    for names, program in programs.items():
        out, _ = program.process.communicate(timeout=60)
        assert program.process.returncode == 0, program.errors.read_text()
        program.assert_that_nothing_is_left()
        found = json.loads(out)
        for name, (survived_s, cut_s, *manner) in found.items():
            assert survived_s == relayed[name][0], name
            assert manner == relayed[name][2:], name
            if cut_s is not None:
                # The path counts from when a packet passed it, the client from when the same packet reached it.
                assert cut_s >= 1.8, f"{name}: conntrack waits for its two seconds"
        assert {name: (how, aftermath) for name, (_, _, how, _, aftermath) in found.items()} == {
            name: EXPECTED[name] for name in names
        }


# That nothing is left


def test_nothing_is_left_of_a_lab_that_is_stopped_or_killed_or_whose_keeper_is(start, python):
    """The program stops itself in one way for every user, so an ordinary one only asks it to."""
    stops = (signal.SIGINT, signal.SIGTERM) if python == [sys.executable] else (signal.SIGTERM,)
    programs = {number: start(*python, *LAB) for number in (*stops, signal.SIGKILL)}
    kept = start(*python, *LAB)
    for program in (*programs.values(), kept):
        program.see(4)
    if os.geteuid() == 0:
        all_of_them = {number for program in (*programs.values(), kept) for number in program.numbers.values()}
        assert all_of_them <= numbers(), "what is looked for below is there to be found"
    time.sleep(1)  # noqa: TID251  until trials are under way
    for number, program in programs.items():
        program.process.send_signal(number)
    keeper = next(pid for pid in kept.processes() if b"keeper.py" in Path(f"/proc/{pid}/cmdline").read_bytes())
    os.kill(int(keeper), signal.SIGKILL)
    kept.process.kill()
    for program in (*programs.values(), kept):
        program.assert_that_nothing_is_left()
