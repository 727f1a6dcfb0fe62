"""A box of layer http: it ends TLS on both sides, and relays requests until its rules end them.

`gateway` accepts; an `http_session` has a `leg` to each side and asks `http_flow` what is due; `http_exchange` takes
one request and its answer through, with the grammar of `http1` and `http1_body`. A client that begins with HTTP/2
becomes an `http2_session`, whose streams are such sessions of one request each. What decides has no I/O.

    gateway.py        a box of layer http on real sockets: it ends TLS and relays requests until its rules end them
    http_session.py   one client's connection to an http box, and the connection to the server behind it
    http2_session.py  one client's connection to an http box over HTTP/2: its streams, each a `Session` of one
                      request, and its timers
    http2_leg.py      what stands for a `Leg` where HTTP/2 is spoken: one stream of a client's, or a connection to the
                      server for one
    leg.py            one TCP connection of an http box, plain or TLS, that tells exactly how its peer ended it
    http_flow.py      one client's connection to an http box: which timer runs, when it is due, and what the box does
                      then. No I/O
    http_exchange.py  one request and its answer on their way through an http box. No I/O
    http1.py          the heads of HTTP/1.1 messages, read strictly (RFC 9112). No I/O
    http1_body.py     where the body of an HTTP/1.1 message ends, found in the bytes as they pass. No I/O
    http1_proxying.py what a proxy changes in the heads that pass it, and the answers that it gives itself. No I/O
"""
