"""`hbprobe lab --kernel`: its options, and a run."""

import json
import os
import shutil
import sys

import pytest

from hbprobe.cli.main import main
from hbprobe.errors import CannotMeasureError, UserError
from hbprobe.lab.requests import Lab
from hbprobe.trial.methods.table import METHODS

# Wrong options

_HTTP = (
    "nginx-http-proxy: layer http ends connections, which no rule of the kernel does: leave it out or drop --kernel"
)


IN_A_KERNEL = [method for method in METHODS if method != "ping"]
"""What needs no stand-in."""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--pcap", "dir"], "--pcap goes with --kernel"),
        (["--nat", "1"], "--nat goes with --kernel"),
        (
            ["--kernel", "--clock", "warp"],
            "--clock warp: the kernel counts real seconds: use real, or a rate such as 100, with --kernel",
        ),
        (
            ["--kernel", "--method", "ping"],
            f"--method ping: --kernel measures with {', '.join(IN_A_KERNEL[:-1])} or {IN_A_KERNEL[-1]}",
        ),
        (["--kernel", "--clock", "x"], "--clock: 'x' is no clock: use warp, real, or a rate above 0 such as 20"),
        (["--kernel", "--nat", "2"], "--nat 2: write places on the path, from 1 to 1, as in 1,2; or none"),
        (["--kernel", "--nat", ""], "--nat: a value is missing"),
        (["--kernel", "--nat", "1,x"], "--nat 1,x: write places on the path, from 1 to 1, as in 1,2; or none"),
        (
            ["--kernel", "--clock", "1000"],
            "--clock 1000: ten-minute-provider: idle of 10 min would take 0.6 s: use 300 or less",
        ),
        (["--kernel", "ten-minute-provider", "nginx-http-proxy"], _HTTP),
    ],
)
def test_a_wrong_option_is_told_in_a_line(capsys, arguments, message):
    assert main(["lab", *arguments]) == 2
    assert capsys.readouterr().err.splitlines()[-1].removesuffix("; see hbprobe lab --help") == f"hbprobe: {message}"


@pytest.mark.parametrize(("text", "places"), [(None, None), ("none", set()), ("2", {2}), ("1,3", {1, 3})])
def test_which_boxes_translate_addresses(text, places):
    assert Lab(kernel=True, nat=text)._nat(3) == places


# What is missing


def test_another_system_is_told(capsys, monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert main(["lab", "--kernel"]) == 2
    assert capsys.readouterr().err.splitlines()[-1] == (
        "hbprobe: --kernel needs Linux: leave it out, and the same boxes run as programs; see hbprobe lab --help"
    )


@pytest.mark.skipif(sys.platform != "linux", reason="there are no namespaces elsewhere")
def test_a_missing_program_is_told(capsys, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name, **_: None if name == "nft" else f"/usr/sbin/{name}")
    assert main(["lab", "--kernel"]) == 2
    assert capsys.readouterr().err.splitlines()[-1] == (
        "hbprobe: --kernel needs the program nft (Debian: apt-get install nftables); see hbprobe lab --help"
    )


# A run


@pytest.fixture
def namespaces():
    """Skip where no lab can be built."""
    from hbprobe.lab.kernel.path import kernel_path

    try:
        with kernel_path([]):
            pass
    except (CannotMeasureError, UserError) as error:
        if os.environ.get("CI") == "true":
            pytest.fail(str(error))
        pytest.skip(str(error))


@pytest.mark.realtime
@pytest.mark.usefixtures("namespaces")
def test_a_path_in_the_kernel(capsys, tmp_path):
    search = ["--clock", "120", "--min", "60", "--max", "480", "--connections", "8"]
    folders = ["--out", str(tmp_path / "out"), "--pcap", str(tmp_path / "pcap")]
    boxes = ["azure-load-balancer-tcp-reset", "ten-minute-provider"]
    assert main(["lab", "--kernel", *boxes, *search, *folders, "--json"]) == 0
    captured = capsys.readouterr()
    result = json.loads(captured.out)
    assert captured.err.startswith("in the kernel, in real time: about ")
    assert result["clock"] == "120"
    assert result["cut_by"] == "azure-load-balancer-tcp-reset"
    assert result["limit"]["how"] == "reset" and result["limit"]["exact"]
    assert result["limit"]["survived"] < 240 <= result["limit"]["cut"] < 360, "conntrack counts whole seconds"
    assert result["notes"] == [
        "2 min instead of precision 1 s and grace 3 s: no kernel lab is finer than a real second",
        "azure-load-balancer-tcp-reset ran as nftables and conntrack: idle 2 s for 4 min, reset",
        "ten-minute-provider ran as nftables and conntrack: idle 5 s for 10 min, silent",
    ]
    assert len(list((tmp_path / "pcap").iterdir())) == 4
    assert (tmp_path / "out" / "result.json").exists()
