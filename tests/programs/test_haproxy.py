"""The probe through HAProxy with timers of 3 s."""

import pytest

pytestmark = [pytest.mark.program, pytest.mark.realtime]

_CONFIG = """
defaults
    mode {mode}
    timeout connect 5s
    timeout client {client_s}s
    timeout server 3s
listen relay
    bind 127.0.0.1:{port}
    server far-end 127.0.0.1:{upstream}
"""


@pytest.fixture
def haproxy(start_proxy, free_port, tmp_path):
    def run(mode, client_s, upstream):
        config = tmp_path / "haproxy.cfg"
        config.write_text(_CONFIG.format(mode=mode, client_s=client_s, port=free_port, upstream=upstream))
        start_proxy("haproxy", "-db", "-q", "-f", str(config), port=free_port)
        return free_port

    return run


def test_a_tcp_proxy_closes(far_end, haproxy, probe, tmp_path):
    port = haproxy("tcp", client_s=3, upstream=far_end("auto"))
    limit = probe(f"https://127.0.0.1:{port}/", ca=str(tmp_path / "ca.pem"))["limit"]
    assert (limit["how"], limit["status"], limit["exact"]) == ("closed", None, True)
    assert 1 <= limit["survived"] < limit["cut"]
    assert 2.9 <= limit["cut"] < 6  # on a busy machine FIN may come late, but never early


def test_an_http_proxy_answers_504(far_end, haproxy, probe):
    port = haproxy("http", client_s=30, upstream=far_end("off"))
    limit = probe(f"http://127.0.0.1:{port}/")["limit"]
    assert (limit["how"], limit["status"], limit["exact"]) == ("status", 504, True)
    assert 1 <= limit["survived"] < limit["cut"]
    assert 2.9 <= limit["cut"] < 6
