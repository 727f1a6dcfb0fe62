"""A preflight on the terminal."""

import io

from rich.console import Console

from hbprobe.preflight.preflight import Check, CheckState, Name
from hbprobe.report.terminal.preflight import print_check


def printed(check, columns=80):
    file = io.StringIO()
    print_check(check, Console(file=file, width=columns))
    return file.getvalue().splitlines()


def test_a_check_that_passed():
    assert printed(Check(Name.PING, CheckState.PASSED, 60.0004, ("held for 60 s, and answered",))) == [
        "ok      Ping            60.000 s",
        "        held for 60 s, and answered",
    ]


def test_a_check_that_failed():
    assert printed(Check(Name.TLS, CheckState.FAILED, 0.5, ("not trusted", "TLSv1.3"), "trust it")) == [
        "FAILED  TLS             0.500 s",
        "        not trusted",
        "        TLSv1.3",
        "        to do: trust it",
    ]


def test_a_narrow_terminal_breaks_between_words():
    assert printed(Check(Name.PING, CheckState.PASSED, 60.0004, ("held for 60 s, and then answered by it",)), 40) == [
        "ok      Ping            60.000 s",
        "        held for 60 s, and then answered",
        "        by it",
    ]


def test_a_check_that_was_not_tried():
    assert printed(Check(Name.OPTIONS, CheckState.NOT_TRIED)) == ["-       OPTIONS         not tried"]


def test_what_a_server_says_does_not_steer_the_terminal():
    found = ("server: \x1b[31mred\r\n[bold]",)
    assert (
        printed(Check(Name.PROXIES, CheckState.PASSED, 0.1, found))[1]
        == "        server: \\x1b[31mred\\x0d\\x0a[bold]"
    )
