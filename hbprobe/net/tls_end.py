"""What ended the TCP connection under an ssl.SSLSocket.

Python before 3.12.3 reports RST, and a connection that the system gave up, like FIN:
https://github.com/python/cpython/issues/115627
"""

import errno
import os
import socket
import ssl


def heed_truncation(tls: ssl.SSLContext) -> None:
    """Have a FIN without close_notify, and RST with it, told from an end that TLS has signed.

    Python before 3.11.4 lets OpenSSL 3 take the one for the other (https://github.com/python/cpython/issues/95494).
    Such a context reads a connection's failure as its end as soon as `pending_failure` has asked for it.
    """
    tls.options &= ~getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)


def pending_failure(sock: socket.socket) -> OSError | None:
    """Return what the system holds against a connection. It says so once: to whoever asks, or to the next read."""
    number = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    return OSError(number, os.strerror(number)) if number else None


def what_ended(sock: socket.socket, told: OSError, failure: OSError | None) -> OSError:
    """Return how a connection failed on which a read has failed.

    `told`: what the read raised; it stands where it is no end without close_notify, or where TCP did end with FIN.
    `failure`: what `pending_failure` returned before the read.
    """
    if not ends_without_close_notify(told):
        return told
    if failure is not None:
        return failure
    try:
        sock.getpeername()
    except OSError:  # after FIN there still is a peer
        return ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET))
    return told


def ends_without_close_notify(error: OSError) -> bool:
    """Return whether TLS says that no close_notify came before the end: FIN, for all that TLS knows."""
    match error:
        case ssl.SSLEOFError() | ssl.SSLError(reason="UNEXPECTED_EOF_WHILE_READING"):  # before Python 3.11.4
            return True
        case _:
            return False
