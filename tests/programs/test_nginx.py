"""The probe through nginx with timers of 3 s."""

from pathlib import Path

import pytest
from support.nginx import HEAD, HTTP

pytestmark = [pytest.mark.program, pytest.mark.realtime]

_STREAM_MODULE = Path("/usr/lib/nginx/modules/ngx_stream_module.so")
"""Debian packs it by itself (libnginx-mod-stream); elsewhere it may be built in."""
_STREAM = """
stream {{
    server {{
        listen 127.0.0.1:{port};
        proxy_pass 127.0.0.1:{upstream};
        proxy_timeout 3s;
    }}
}}
"""
_HTTP = (
    "http {{"
    + HTTP
    + """
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://127.0.0.1:{upstream};
            proxy_read_timeout 3s;{more}
        }}
    }}
}}
"""
)
_UPGRADES = """
            proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $http_connection;
            proxy_send_timeout 3s;
"""


@pytest.fixture
def nginx(start_proxy, free_port, tmp_path):
    def run(config, upstream, more=""):
        file = tmp_path / "nginx.conf"
        module = f"load_module {_STREAM_MODULE};" if _STREAM_MODULE.exists() else ""
        text = (module + HEAD + config).format(folder=tmp_path, port=free_port, upstream=upstream, more=more)
        file.write_text(text)
        start_proxy("nginx", "-p", str(tmp_path), "-e", "stderr", "-c", str(file), port=free_port)
        return free_port

    return run


def test_a_stream_proxy_closes(far_end, nginx, probe, tmp_path):
    port = nginx(_STREAM, upstream=far_end("auto"))
    limit = probe(f"https://127.0.0.1:{port}/", ca=str(tmp_path / "ca.pem"))["limit"]
    assert (limit["how"], limit["status"], limit["exact"]) == ("closed", None, True)
    assert 1 <= limit["survived"] < limit["cut"]
    assert 2.9 <= limit["cut"] < 6  # on a busy machine FIN may come late, but never early


def test_an_http_proxy_answers_504(far_end, nginx, probe):
    port = nginx(_HTTP, upstream=far_end("off"))
    limit = probe(f"http://127.0.0.1:{port}/")["limit"]
    assert (limit["how"], limit["status"], limit["exact"]) == ("status", 504, True)
    assert 1 <= limit["survived"] < limit["cut"]
    assert 2.9 <= limit["cut"] < 6


@pytest.mark.parametrize("url", ["ws://127.0.0.1:{port}/ws", "sse+http://127.0.0.1:{port}/events?silence={{hold}}"])
def test_a_stream_through_an_http_proxy_ends_with_fin(far_end, nginx, probe, url):
    port = nginx(_HTTP, upstream=far_end("off"), more=_UPGRADES)
    result = probe(url.format(port=port))
    limit = result["limit"]
    assert (limit["how"], limit["exact"], result["verdict"]) == ("closed", True, None)
    assert 1 <= limit["survived"] < limit["cut"]
    assert 2.9 <= limit["cut"] < 6
