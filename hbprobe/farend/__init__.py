"""hbprobe's own server: it holds requests for as long as they ask, and bears witness of how they ended.

A request comes through `server` to `hold_service`, which answers it when its hold is over, with a token that proves
who answered; `witness` hears from the kernel how the connection ended, and keeps what was seen until the probe asks,
for the `streams` as well.

    server.py            the far end: an HTTP server, plain or TLS, without timers of its own that a probe could
                         mistake for the path's
    hold_request.py      what client and far end agree on for `POST /hold`: where it is, the token that proves the
                         answer
    hold_service.py      `POST /hold`: a request that is answered after as long as it asks for, with a token. `GET
                         /hold/N`: its witness
    streams.py           `GET /events` and `/ws`: a stream of events and a WebSocket, silent as long as they are told
    witness.py           what the far end saw of each request that it held or streams to, kept for who asks for it:
                         `GET /hold/NONCE`
    responders.py        servers of the protocols that a talk is held in, without I/O: the far ends of a lab that are
                         no `server`
    responder_server.py  a responder on a socket: each connection gets one of its own, over TLS or plain

Another thing to be served is a service that `server.FarEnd` is given, as `hbprobe.standin.service` is.
"""
