"""Clients of Toxiproxy that others wrote, unmodified, against the program as it is started."""

import contextlib
import importlib.util
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

NODE = """
const { Toxiproxy } = require("toxiproxy-node-client");
(async () => {
  const toxiproxy = new Toxiproxy(process.argv[1]);
  const proxy = await toxiproxy.createProxy({ name: "node", listen: "127.0.0.1:0", upstream: "127.0.0.1:1" });
  const toxic = await proxy.addToxic({
    name: "slow", type: "latency", stream: "downstream", toxicity: 1, attributes: { latency: 100, jitter: 0 },
  });
  const azure = await proxy.addToxic({
    name: "azure", type: "idle_drop", stream: "downstream", toxicity: 1,
    attributes: { profile: "azure-load-balancer" },
  });
  await toxic.remove();
  const names = Object.keys(await toxiproxy.getAll().then((all) => all));
  console.log(JSON.stringify([toxic.attributes.latency, azure.attributes.profile, names.length]));
  await proxy.remove();
})().catch((error) => { console.error(error); process.exit(1); });
"""
HAS_CLIENT = importlib.util.find_spec("toxiproxy") is not None


@contextlib.contextmanager
def program(*arguments, **environment):
    """Run `hbprobe toxiproxy`; give the address of its API, and what it says."""
    command = [sys.executable, "-m", "hbprobe", "toxiproxy", "-host", "127.0.0.1", "-port", "0", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | environment) as process:
        try:
            first = process.stdout.readline()
            yield re.search(r"http://([\d.]+):(\d+)", first).groups(), process.stdout
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 0


@pytest.mark.realtime
def test_the_program_makes_what_its_file_says_and_ends_when_told(tmp_path):
    file = tmp_path / "proxies.json"
    proxy = {"name": "a", "listen": "127.0.0.1:0", "upstream": "127.0.0.1:1", "toxics": [{"type": "noop"}]}
    file.write_text(json.dumps([proxy]))
    with program("-config", str(file), "-seed", "3", "-proxy-metrics") as (_, said):
        assert re.fullmatch(r"a on 127\.0\.0\.1:\d+, to 127\.0\.0\.1:1, 1 toxic\n", said.readline())


@pytest.mark.program
@pytest.mark.realtime
@pytest.mark.skipif(not HAS_CLIENT, reason="needs toxiproxy-python from PyPI")
def test_the_python_client():
    from toxiproxy import Toxiproxy
    from toxiproxy.api import APIConsumer

    with program() as ((host, port), _), socket.create_server(("127.0.0.1", 0)) as listener:
        APIConsumer.host, APIConsumer.port = host, int(port)
        threading.Thread(target=_echo, args=(listener,), daemon=True).start()
        upstream = f"127.0.0.1:{listener.getsockname()[1]}"
        proxy = Toxiproxy().create(name="py", listen="127.0.0.1:0", upstream=upstream)
        proxy.add_toxic(type="limit_data", attributes={"bytes": 3})
        assert [toxic.type for toxic in proxy.toxics().values()] == ["limit_data"]
        place = proxy.listen.rpartition(":")
        with socket.create_connection((place[0], int(place[2]))) as sock:
            sock.sendall(b"hello")
            assert (sock.recv(10), sock.recv(10)) == (b"hel", b"")
        proxy.destroy()


def _echo(listener):
    sock, _ = listener.accept()
    with sock:
        sock.sendall(sock.recv(10))
        sock.recv(1)


@pytest.mark.program
@pytest.mark.realtime
@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node")
def test_the_node_client():
    folder = os.environ.get("HBPROBE_NODE_MODULES")
    if folder is None or not (Path(folder) / "toxiproxy-node-client").is_dir():
        pytest.skip("needs npm's toxiproxy-node-client in the folder HBPROBE_NODE_MODULES")
    with program() as ((host, port), _):
        done = subprocess.run(
            ["node", "-e", NODE, f"http://{host}:{port}"],
            env=os.environ | {"NODE_PATH": folder},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.stdout.strip() == '[100,"azure-load-balancer",1]', done.stderr
