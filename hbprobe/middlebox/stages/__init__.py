"""What degrades one direction of a flow: delays, limits and losses, each a stage that touches no socket.

A `pipe` is a row of stages. It is fed with what comes from one end, says when something is due, and hands that out;
`hbprobe.middlebox.faults.staged_relay` reads, sends and waits for it.

    stage.py       one stage, and what passes through it: bytes, or how the direction ends
    pipe.py        stages in a row: what the first hands out is fed to the second, at the time when it was due
    latency.py     everything comes later
    bandwidth.py   so many bytes a second
    slow_close.py  the end comes later
    slicer.py      small pieces instead of large ones
    limit_data.py  so many bytes, then the connection is closed
    timeout.py     nothing passes, then the connection is closed
    packet_loss.py what loss does to a stream of TCP: some of it comes later, by a retransmission's time
    table.py       the stages by name

A new stage is one file here and one row of `table`; its settings are a frozen dataclass, whose fields are its
attributes.
"""
