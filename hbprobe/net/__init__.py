"""Sockets: connecting, listening, TLS, how an end ends, silence, and what the kernel knows of a connection.

A probe opens a `wire` (by `dial`), which yields bytes or one `replies.End`; servers and boxes accept
by `listener` and `accepted`. Nothing here knows of trials, profiles or requests.

    wire.py          one connection, plain or TLS, that tells exactly how it ended
    target.py        a URL to probe, taken apart, and what its scheme says of a connection
    dial.py          connecting to a server that may have several addresses: a box takes the first that takes the
                     connection; a probe gives each its turn, and none takes the others' time
    replies.py       what is told of a connection: its name in the logs of boxes on its path, and what came back on
                     it: an answer, or its end in one of its kinds
    tls_codec.py     one end of a TLS connection without its socket: from bytes of the wire to what the peer says, and
                     the other way
    tls_end.py       how the other side of an SSLSocket ended the connection
    tls_trouble.py   what went wrong with TLS, and what to do about it: one table, by OpenSSL's words for the alert or
                     the mistake
    liveness.py      whether the peer of a connection is there, as far as the kernel knows unasked (TCP_INFO); and
                     telling it that we are, by ACKs and keep-alives
    socket_watch.py  what waits for a socket of a box: until it can be read, or written to, or until its peer has sent
                     RST
    silence.py       making a connected TCP socket go silent: no ACK, no RST, no FIN, whatever its peer sends
    listener.py      accepting TCP connections for as long as there are descriptors, and turning the rest away
    accepted.py      an accepted connection, plain or TLS, as an asyncio transport that keeps no buffer while nothing
                     moves
    http_server.py   an HTTP server that strangers cannot hold up: aiohttp behind our own listener and transport
    http_connection.py one connection of HTTP/1.1, which keeps nothing of aiohttp while a request on it is held
    http2_server.py  HTTP/2 for a server that is written for HTTP/1.1: each stream is given to it as a connection of
                     its own
    http2_streams.py one end of an HTTP/2 connection each of whose streams looks like a connection of HTTP/1.1. No I/O
    exposition.py    metrics as whoever scrapes them wants them: Prometheus's text or OpenMetrics
    json_api.py      what the small HTTP APIs have in common: one shell that checks who calls, and JSON in and out
    event_feed.py    what happens, numbered: server-sent events for whoever listens now, and for whoever comes back
                     where a line broke
    certificates.py  certificates for the far end: a private CA that is made once, and the TLS settings of both ends
    address.py       addresses: as people write them, HOST:PORT, and as sockets take them

How a connection can end is a member of `replies.EndKind`, made in `wire` and read in `hbprobe.trial.classify`.
"""
