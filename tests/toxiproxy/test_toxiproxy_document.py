"""docs/toxiproxy.md: what it says is so."""

import asyncio
import dataclasses
import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from aiohttp import ClientSession
from support.peers import echoing

from hbprobe.middlebox.faults.toxics import SETTINGS
from hbprobe.toxiproxy.api import ToxiproxyApi
from hbprobe.toxiproxy.api_reading import read_proxy

PAGE = (Path(__file__).parent.parent.parent / "docs" / "toxiproxy.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", SETTINGS)
def test_the_page_has_every_toxic_with_every_attribute(kind):
    (row,) = re.findall(rf"^\| `{kind}` \|.*", PAGE, re.MULTILINE)
    for field in dataclasses.fields(SETTINGS[kind]):
        assert f"`{field.name}`" in row


def test_its_configurations_are_read_as_they_stand():
    found = [json.loads(block) for block in re.findall(r"^    \[\{.*(?:\n     +.*)*", PAGE, re.MULTILINE)]
    proxies = [read_proxy(proxy) for configuration in found for proxy in configuration]
    assert [(proxy.name, len(proxy.toxics), proxy.tls is None) for proxy in proxies] == [
        ("web", 1, True),
        ("web", 0, False),
    ]


REQUEST = re.compile(r"^    (GET|POST|PATCH|DELETE) (/\S+)\n(?:    (\{.*\})\n)?", re.MULTILINE)
UNEQUAL = {"id", "at", "connection", "client", "number", "age_s", "quiet_s", "due_in_s"}
"""What is different each time."""


def alike(document):
    """Return a document with what is different each time reduced to its type."""
    return {key: type(value) if key in UNEQUAL else value for key, value in document.items()}


async def test_its_requests_and_answers_are_as_written():
    requests = REQUEST.findall(PAGE)
    assert [method for method, *_ in requests] == ["POST", "POST", "DELETE"]
    shown = json.loads(re.search(r"^    (\{\"connections\".*(?:\n     +.*)*)", PAGE, re.MULTILINE)[1])
    events = [json.loads(line) for line in re.findall(r"^    data: (.*)", PAGE, re.MULTILINE)]
    (proxy, *_) = json.loads(re.search(r"^    (\[\{.*(?:\n     +.*)*)", PAGE, re.MULTILINE)[1])
    api = ToxiproxyApi()
    host, port = await api.listen("127.0.0.1", 0)
    try:
        async with echoing() as upstream, ClientSession(f"http://{host}:{port}") as session:
            here = {"listen": "127.0.0.1:0", "upstream": f"127.0.0.1:{upstream}"}
            certain = [toxic | {"toxicity": 1} for toxic in proxy["toxics"]]
            async with session.post("/proxies", json=proxy | here | {"toxics": certain}) as made:
                listen = (await made.json())["listen"]
            reader, writer = await asyncio.open_connection("127.0.0.1", int(listen.rpartition(":")[2]))
            writer.write(b"hello")
            assert await reader.read(10) == b"hello"
            writer.write_eof()
            assert await reader.read() == b""
            writer.close()
            told = [event for event in api.feed.since(0) if "connection" in event]
            assert [alike(event) for event in told] == [alike(event) for event in events]
            await session.post("/reset")
            reader, writer = await asyncio.open_connection("127.0.0.1", int(listen.rpartition(":")[2]))
            for method, path, body in requests:
                async with session.request(method, path, data=body or None) as answer:
                    assert answer.status in (200, 204), await answer.text()
            async with session.get("/proxies/web/connections") as answer:
                (connection,) = (await answer.json())["connections"]
            assert alike(connection) == alike(shown["connections"][0])
            writer.close()
    finally:
        await api.close()


@pytest.mark.realtime
def test_it_starts_as_written(tmp_path):
    (block,) = re.findall(r"^    \$ hbprobe (toxiproxy .*)\n((?:    .*\n)+)", PAGE, re.MULTILINE)
    configuration = json.loads(re.search(r"^    (\[\{.*(?:\n     +.*)*)", PAGE, re.MULTILINE)[1])
    file = tmp_path / "proxies.json"
    file.write_text(json.dumps([configuration[0] | {"listen": "127.0.0.1:0"}]))
    command = [sys.executable, "-m", "hbprobe", *block[0].replace("proxies.json", str(file)).split(), "-port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        said = [process.stdout.readline() for _ in range(2)]
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0

    def without_ports(lines):
        return [re.sub(r"(?<=\d):\d+(?= |,)", ":N", line.strip()) for line in lines]

    assert without_ports(said) == without_ports(block[1].splitlines())
