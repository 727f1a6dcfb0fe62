"""What HTTP.sys's reasons tell of devices."""

from hbprobe.evidence.logs.answer.httperr_reasons import GONE, httperr_findings


def test_reasons_that_tell_the_same_are_one_finding():
    found = list(httperr_findings({GONE[0]: 3, GONE[1]: 2, "QueueFull": 1, "Version_N/S": 7}))
    assert [(one.code, one.severity) for one in found] == [("httperr", "note"), ("httperr", "problem")]
    assert found[0].text == (
        "HTTP.sys ended 5 connections with a request whose client was gone before its answer "
        "(Connection_Dropped, Connection_Dropped_List_Full): hbprobe logs ... --report httperr"
    )
    assert found[1].text.startswith("HTTP.sys ended 1 connection with a request that it turned away")
