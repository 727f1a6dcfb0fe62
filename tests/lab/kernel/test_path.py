"""The path out of namespaces, and how other tests use it."""

import asyncio
import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from hbprobe import warp
from hbprobe.errors import CannotMeasureError
from hbprobe.lab.kernel.measure import far_end
from hbprobe.lab.kernel.namespaces import Namespaces
from hbprobe.lab.kernel.path import kernel_path
from hbprobe.manner import Aftermath, Layer, Manner
from hbprobe.middlebox.kernel import render
from hbprobe.profiles.catalogue import Catalogue
from hbprobe.trial.methods.method import Environment, make
from hbprobe.trial.outcome import Kind

pytestmark = pytest.mark.usefixtures("namespaces")


def test_how_to_use_it(box):
    async def hold_across_three_boxes():
        with kernel_path([box(6), box(2), box(4)], nat={1}) as net:
            async with far_end(net) as dialer:
                trial = make(Environment("hold", dialer, 1.0, random.Random(1))).trial
                return await asyncio.gather(trial(1.5), trial(2.5))

    survived, cut = warp.run(hold_across_three_boxes(), warp.ScaledClock())
    assert survived.kind is Kind.SURVIVED
    assert (cut.how, cut.aftermath) == (Manner.SILENT, Aftermath.NOTHING)


def test_each_host_has_a_stack_of_its_own(box):
    with kernel_path([box(3), box(3)], nat={1}) as net:
        with net.server.listen(8443) as listener, socket.socket() as sock:
            net.client.adopt(sock)
            sock.settimeout(5)
            sock.connect((net.server.address, 8443))
            with listener.accept()[0] as accepted:
                assert sock.getsockname()[0] == net.client.address == "10.40.0.1"
                assert accepted.getsockname()[0] == net.server.address == "10.40.2.2"
                assert accepted.getpeername()[0] == "10.40.1.1", "box 1 translates addresses"
        assert [router.address for router in net.routers] == ["10.40.0.2", "10.40.1.2"]


def test_an_adopted_socket_keeps_its_descriptor_and_its_timeout():
    with kernel_path([]) as net, socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as sock:
        sock.setblocking(False)
        descriptor = sock.fileno()
        net.client.adopt(sock)
        assert sock.fileno() == descriptor and not os.get_inheritable(descriptor)
        assert not os.get_blocking(descriptor)
        with pytest.raises(BlockingIOError):
            sock.connect((net.server.address, 1))


def test_a_program_runs_inside():
    with kernel_path([]) as net:
        argv = net.client.command([sys.executable, "-c", "import os; print(os.stat('/proc/self/ns/net').st_ino)"])
        assert int(subprocess.check_output(argv)) == net.client.inode
        missing = subprocess.run(net.client.command(["/no/such"]), capture_output=True, text=True, check=False)
        assert missing.stderr == "/no/such: No such file or directory\n"


def test_nft_takes_the_rules_of_each_shipped_packet_box():
    with kernel_path([]) as net:
        for profile in Catalogue().all():
            if profile.layer is Layer.PACKET:
                net.server.run("nft", "-c", "-f", "-", text=render(profile, nat=True).ruleset)


def test_what_a_program_complains_of_is_told():
    with kernel_path([]) as net, pytest.raises(CannotMeasureError) as refused:
        net.client.run("ip", "link", "set", "nothing", "up")
    assert str(refused.value) == 'ip link set nothing up: Cannot find device "nothing"'


def test_a_sysctl_that_is_not_there_is_told():
    with kernel_path([]) as net, pytest.raises(CannotMeasureError) as refused:
        net.client.sysctl("net.ipv4.no_such", "1")
    assert str(refused.value) == "sysctl net.ipv4.no_such=1: No such file or directory"


def test_a_lab_that_may_not_be_built_is_told(monkeypatch):
    monkeypatch.setattr(Namespaces, "ask", refuse)
    with pytest.raises(CannotMeasureError) as refused, kernel_path([]):
        pass
    assert str(refused.value) == (
        "this system lets this user make no network namespaces: be root, or permit user namespaces (sysctl "
        "user.max_user_namespaces, kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns) "
        "(Operation not permitted)"
    )


def refuse(*_):
    raise PermissionError(1, "Operation not permitted")


def test_a_keeper_that_is_gone_is_told():
    with kernel_path([]) as net:
        os.kill(keeper_of(net), signal.SIGKILL)
        with pytest.raises(CannotMeasureError) as refused:
            net.client.make_socket()
    assert str(refused.value) == "the process that keeps the lab's namespaces has ended"


def keeper_of(net):
    return int(net.client.file.split("/")[2])


def test_a_watcher_that_has_ended_is_told(box):
    with contextlib.ExitStack() as stack:
        net = stack.enter_context(kernel_path([box(9, "reset")]))
        watcher = watcher_of(net)
        os.kill(watcher, signal.SIGKILL)
        while Path(f"/proc/{watcher}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
            pass
        with pytest.raises(CannotMeasureError) as refused:
            stack.close()
    assert str(refused.value) == "the watcher of a box has ended: it said nothing"


def watcher_of(net):
    """Return the process that watches in the first router."""
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
    return next(int(pid) for pid in children if int(pid) != keeper_of(net))
