import asyncio

import pytest

from hbprobe.farend.responder_server import ResponderServer
from hbprobe.farend.responders import SmtpResponder


@pytest.mark.parametrize("tls", ["plain", "tls"], indirect=True)
def test_each_connection_is_one_conversation_that_no_timer_ends(on_warp, tls):
    async def main():
        server = ResponderServer(SmtpResponder, tls and tls[0])
        host, port = await server.listen("127.0.0.1", 0)
        streams = [await asyncio.open_connection(host, port, ssl=tls and tls[1]) for _ in range(2)]
        said = []
        for reader, writer in streams:
            said.append(await reader.readline())
            writer.write(b"NO")
        await asyncio.sleep(100_000)
        for reader, writer in streams:
            writer.write(b"OP\r\n")
            said.append(await reader.readline())
        await server.close()
        said += [await reader.read() for reader, _ in streams]
        for _, writer in streams:
            writer.close()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(host, port)
        return said

    greeting = SmtpResponder.greeting
    assert on_warp(main()) == [greeting, greeting, b"250 OK\r\n", b"250 OK\r\n", b"", b""]
