"""gRPC through an http box: calls and streams pass over HTTP/2 on both sides, and a timer ends a call alone."""

import asyncio
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.http_boxes import make_http_box

from hbprobe import warp
from hbprobe.middlebox.chain import Chain

grpc = pytest.importorskip("grpc")
pytestmark = [pytest.mark.program, pytest.mark.realtime]


class Service(grpc.GenericRpcHandler):
    """`/t/Echo` says back what it is told, `/t/Late` when all is over, `/t/Each` each thing, doubled."""

    def __init__(self):
        self.over = threading.Event()

    def service(self, call):
        match call.method:
            case "/t/Echo":
                return grpc.unary_unary_rpc_method_handler(lambda said, _: said)
            case "/t/Late":
                return grpc.unary_unary_rpc_method_handler(self._late)
            case "/t/Each":
                return grpc.stream_stream_rpc_method_handler(lambda each, _: (said + said for said in each))
        return None

    def _late(self, said, _):
        self.over.wait(60)
        return said


def call_through(port):
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        echo, late, each = (
            channel.unary_unary("/t/Echo"),
            channel.unary_unary("/t/Late"),
            channel.stream_stream("/t/Each"),
        )
        waiting = late.future(b"a", timeout=30)
        said = echo(b"x" * 100_000, timeout=30), list(each(iter([b"a", b"b"]), timeout=30))
        with pytest.raises(grpc.RpcError) as missing:
            channel.unary_unary("/t/Missing")(b"", timeout=30)
        return said, missing.value.code(), waiting.exception().code(), echo(b"still", timeout=30)


async def through_a_box(upstream):
    chain = Chain([make_http_box(server_response=4)], [(socket.AF_INET, ("127.0.0.1", upstream))], lambda _: print)
    try:
        _, port = await chain.listen("127.0.0.1", 0)
        return await asyncio.to_thread(call_through, port)
    finally:
        chain.close()


def test_calls_streams_and_a_timer():
    server = grpc.server(ThreadPoolExecutor(4))
    service = Service()
    server.add_generic_rpc_handlers((service,))
    upstream = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        said, missing, late, after = warp.run(through_a_box(upstream), warp.ScaledClock())
    finally:
        service.over.set()
        server.stop(None)
    assert said == (b"x" * 100_000, [b"aa", b"bb"])
    assert missing is grpc.StatusCode.UNIMPLEMENTED
    assert late is grpc.StatusCode.UNAVAILABLE, "504 is that to gRPC"
    assert after == b"still", "the connection went on"
