"""What several tests of this room share."""

import contextlib
import socket
import threading

import pytest


@pytest.fixture
def echo_port():
    """An echo server that blocks, in threads."""

    def serve():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=echo, args=(connection,))
            thread.start()
            threads.append(thread)

    def echo(connection):
        with connection, contextlib.suppress(OSError):
            while data := connection.recv(1024):
                connection.sendall(data)

    threads = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        accepting = threading.Thread(target=serve)
        accepting.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
    for thread in (accepting, *threads):
        thread.join()
