"""Which protocol a connection may speak: by its first bytes in clear, by timing and size."""

from support.packets import ACK, PSH, Talk, written

from hbprobe.evidence.captures.capture import Capture


def test_hints(tmp_path):
    talk = Talk().open(request=b"POST /x HTTP/1.1")
    held = Talk(client=("198.51.100.8", 1025)).open()
    for number in range(1, 4):
        held.say("server", PSH | ACK, b"\x17\x03\x03\x00a" + b"a" * 60, at_s=900.0 * number)
        held.say("client", PSH | ACK, b"\x17\x03\x03\x00d" + b"d" * 200, at_s=900.0 * number + 0.1)
    findings = Capture([written(tmp_path / "a.pcap", talk.void("client", 30, payload=b"x" * 20), held)]).findings()
    first, second = (one.hints for one in findings.verdicts if one.flow.client_port)
    told = {first, second}
    assert ("HTTP/1 in clear",) in told
    assert ("TLS", "held requests of 900 s, as of ActiveSync (a guess, by timing and size)") in told
