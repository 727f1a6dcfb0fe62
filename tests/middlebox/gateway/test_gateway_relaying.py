"""Requests and answers through an http box, in every shape that they can have."""

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"


async def test_a_request_and_its_answer(stage, http_box):
    async with stage(http_box()) as on:
        client, server, asked = await on.both(GET)
        assert asked == GET
        await server.send(OK)
        assert await client.sees_now() == OK
        assert len(on.box) == 1
