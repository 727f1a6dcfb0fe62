"""Being a box on the path: the rules of a flow, and the relay that applies them to real connections.

A profile becomes `rules`; a `flow` is told what moved and when, and says when it is due and what is done then;
`relay` moves the bytes and does it, with one `alarm` for all its flows; `expired_ends` keeps what has to be silent.
`http/` is the same for boxes that end TLS, `kernel` for Linux's own connection tracking.

    rules.py          the timers of a profile, ready to be applied, and what a box of layer packet or tcp does to its
                      flows by them
    flow.py           one flow through a box: what moved when, when it is due, and what the box does then
    deadlines.py      very many deadlines, of which most are put off again and again
    alarm.py          one timer of the loop that wakes a box for the earliest of its deadlines
    relay.py          a box of layer packet or tcp on real sockets: it relays bytes until its rules end the flow
    expired_ends.py   what becomes of the two sockets of a flow that has expired: RST, FIN, or silence that has to be
                      kept up
    graceful_close.py ending a connection so that its peer gets every byte and then FIN, however slow it is, whatever
                      it still sends
    chain.py          boxes in a row: each one's server is the next one's client side, and each keeps its own state
    running_box.py    what every box can be asked and told while it runs, whatever its layer
    events.py         what a box tells of itself while it runs, and counts
    control_api.py    a small HTTP API to watch and steer boxes while they run; `docs/control-api.md` has each call
                      with its answer
    workers.py        the same boxes in several processes that share one port, for more flows than one process has
                      descriptors
    kernel.py         a box of layer packet as Linux's own connection tracking: a profile rendered as nftables rules
                      and sysctls
    faults/           boxes whose flows can be given faults while they run
    http/             boxes that end TLS and relay requests
    stages/           what degrades one direction of a flow: delays, limits and losses

What a box does when a timer runs out is a row of `hbprobe.manner.Expiry`; a new kind of timer is decided in `rules`
and `flow` (and `http/http_flow`), never in `relay`.
"""
