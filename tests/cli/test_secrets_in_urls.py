"""What may be a secret in a URL's query is in nothing that a verb prints or keeps, with a value or without one."""

import contextlib
import socket
import threading

import pytest

from hbprobe.cli.main import main

SECRET = "Geheim42"
QUERIES = [f"?{SECRET}", f"?token={SECRET}", f"?a=1&{SECRET}", f"?{SECRET}==", f"?x?{SECRET}=1", f"?a={SECRET};b"]
ELSEWHERE = f"HTTP/1.1 302 Found\r\nLocation: https://other.example/?{SECRET}\r\nContent-Length: 0\r\n\r\n"


@pytest.fixture(scope="module")
def port():
    """A server of this machine that sends everyone to another place, or does not know who asks."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    with connection, contextlib.suppress(OSError):
                        connection.settimeout(2)
                        connection.recv(4096)
                        connection.sendall(ELSEWHERE.encode())

        threading.Thread(target=serve, daemon=True).start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)


def left(folder):
    return b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize(
    "arguments",
    [
        ["probe", "http://HERE/p", "--journal", "j"],
        ["probe", "ws://HERE/p", "--journal", "j"],
        ["probe", "sse+http://HERE/p", "--journal", "j"],
        ["probe", "imap://HERE/INBOX", "--journal", "j"],
        ["diagnose", "http://HERE/p", "--compare", "http://HERE/c", "--journal", "j"],
        ["locate", "http://HERE/p", "--journal", "j"],
        ["preflight", "https://HERE/p", "--user", "me", "--password-file", "password", "--insecure"],
    ],
    ids=lambda arguments: " ".join(arguments[:2]),
)
def test_no_verb_tells_it(port, query, arguments, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "password").write_text("pw\n")
    said = [one.replace("HERE", f"127.0.0.1:{port}") + (query if "HERE" in one else "") for one in arguments]
    main(said)
    out, err = capsys.readouterr()
    assert out + err
    assert SECRET not in out + err
    assert SECRET.encode() not in left(tmp_path)


@pytest.mark.parametrize("query", QUERIES)
def test_no_watch_tells_it(query, tmp_path, capsys):
    file = tmp_path / "watch.yaml"
    file.write_text(f"interval: 1h\ntargets:\n- name: a\n  url: 'nonsense://h/{query}'\n")
    assert main(["watch", str(file), "--once"]) == 2
    assert SECRET not in "".join(capsys.readouterr())
