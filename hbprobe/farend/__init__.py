"""hbprobe's own server: it holds requests for as long as they ask, and bears witness of how they ended.

A request comes through `server` to `hold_service`, which answers it when its hold is over, with a token that proves
who answered; `witness` keeps what was seen of it until the probe asks, and `end_recorder` is where the kernel tells
how the connection ended.

    server.py        the far end: an HTTP server, plain or TLS, without timers of its own that a probe could mistake
                     for the path's
    hold_request.py  what client and far end agree on for `POST /hold`: where it is, the token that proves the answer
    hold_service.py  `POST /hold`: a request that is answered after as long as it asks for, with a token. `GET
                     /hold/N`: its witness
    streams.py       `GET /events` and `/ws`: a stream of events and a WebSocket, silent as long as they are told
    witness.py       what the far end saw of each held request, kept for the probe that asks for it: `GET /hold/NONCE`
    end_recorder.py  how a client's connection ended, as its server's kernel heard it: an HTTP server library does not
                     tell

Another thing to be served is a service that `server.FarEnd` is given, as `hbprobe.standin.service` is.
"""
