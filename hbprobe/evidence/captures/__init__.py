"""Packet captures: who ended each connection, after which silence, and what that says of the path.

    capture_file   a file, a folder of them, or a pipe, read in pieces
    packet_records pcap and pcapng: where each packet of a piece lies, when it came, on which link     (pure)
    headers        link, IP and TCP headers of all packets of a piece at once, by numpy                (pure)
    retention      which packets a verdict can need; the others are counted and let go                 (pure)
    tcp_flow       what is kept, as connections: packets of one client and one server in order         (pure)
    death          from the packets of one connection to how it ended, who ended it, and why one thinks so (pure)
    two_sides      one connection in two captures: matched, and what was seen on one side only         (pure)
    idle_timers    from many connections to timers, as limits                                          (pure)
    annotation     pcapng with comments on the packets that matter
    capture        the request: what `hbprobe capture` and `hbprobe.Capture` run

Memory is bounded by the connections and their silences, not by the size of the files. A new link type is a row of
`headers.LINKS`; a new sign is a function of `death`, which says its weight.
"""
