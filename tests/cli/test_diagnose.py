"""`hbprobe diagnose` as its users call it."""

import json

import pytest

from hbprobe.cli.main import main


def diagnose(capsys, *arguments):
    status = main(["diagnose", *arguments])
    printed = capsys.readouterr()
    return status, printed.out, printed.err


def test_a_lab(capsys):
    status, out, err = diagnose(capsys, "--lab", "azure-load-balancer", "--connections", "8")
    assert status == 0  # a lab that did what it was asked
    assert "Azure Load Balancer" in out
    assert "the limit: survives 239.5 s, cut at 240.5 s: silent" in err.splitlines()


def test_a_lab_as_json(capsys):
    status, out, _ = diagnose(capsys, "--lab", "nginx-http-proxy", "--min", "2", "--connections", "8", "--json")
    told = json.loads(out)
    assert status == 0  # a lab that did what it was asked
    assert told["result"]["path"] == ["nginx-http-proxy"]
    assert told["result"]["clock"] == "warp"
    assert told["kinds"] == ["http"]
    assert "nginx-http-proxy" in [box["id"] for box in told["boxes"][:8]]


def test_an_open_lab_is_healthy(capsys):
    assert diagnose(capsys, "--lab", "open-path", "--connections", "8")[0] == 0


def test_boxes_in_a_row(capsys):
    boxes = ["cisco-asa", "azure-load-balancer", "juniper-srx"]
    status, out, _ = diagnose(capsys, "--lab", *boxes, "--connections", "8", "--json")
    assert (status, json.loads(out)["result"]["limit"]["cut"]) == (0, 240.5)


LAB = "--lab: a lab has one address, and a certificate of its own: drop --compare, --ca and the like"


OR_TCP = "or tcp://HOST:PORT for any other protocol"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "name what to diagnose: a URL, or boxes with --lab"),
        (("http://a/", "--lab", "open-path"), "name what to diagnose: a URL, or boxes with --lab"),
        (("--lab", "open-path", "--compare", "http://a/"), LAB),
        (("--lab", "open-path", "--other-port", "81"), LAB),
        (("--lab", "open-path", "--insecure"), LAB),
        (("http://a/", "--other-port", "65536"), "--other-port 65536: a port is at most 65535"),
        (("https://a/", "--method", "ping"), "--user is missing: ActiveSync wants a login"),
        (("tcp://a:9", "--expect", "x"), "--expect goes with --send: nothing else is answered"),
        (("ftp://a/",), f"'ftp://a/' is no URL to probe: write https://HOST[:PORT][/PATH], {OR_TCP}"),
        (
            ("http://a/", "--compare", "b"),
            "--compare: 'b' is no URL to probe: write https://HOST[:PORT][/PATH]",
        ),
        (
            ("http://a/", "--compare", "http://b/", "--other-port", "81"),
            "--other-port does not go with --compare: drop one",
        ),
        (("--lab", "no-such-box"), "no profile called 'no-such-box'; hbprobe profiles list shows all"),
    ],
)
def test_wrong_usage(capsys, arguments, message):
    status, out, err = diagnose(capsys, *arguments)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert err.rstrip().removesuffix("; see hbprobe diagnose --help") == f"hbprobe: {message}"


@pytest.mark.realtime
def test_a_server_that_is_not_there(capsys):
    status, _, err = diagnose(capsys, "http://127.0.0.1:1/")
    assert status == 3
    assert err.splitlines()[-1] == "hbprobe: TCP: 127.0.0.1:1: Connection refused"


def test_where_no_product_does_so_it_says_so(capsys, tmp_path):
    """An overlay that resets every two hours, whatever moves (https://github.com/moby/moby/issues/34867)."""
    box = tmp_path / "overlay.yaml"
    box.write_text(
        "id: overlay\nname: An overlay\ncategory: load-balancer\nlayer: packet\ntimers:\n"
        "  lifetime: {default: 2h, expiry: reset, restarted_by: nothing, source: us}\n"
        "sources:\n  us: {grade: example, says: An example.}\n"
    )
    assert main(["diagnose", "--lab", str(box), "--min", "1h", "--max", "3h", "--precision", "1min"]) == 0
    out = capsys.readouterr().out
    assert "\nfits    no product of the catalogue\n" in out
    assert "Neither keep-alives nor data help" in out
