"""Packet captures: who ended each connection, after which silence, and what that says of the path.

A file is read in pieces (`capture_file`); each piece is arrays of packets and headers, of which only those that a
verdict can need are kept. At the end these are connections, each of which is judged (`death`), and many of which make
a timer (`idle_timers`). Memory is bounded by the connections and their silences, not by the size of the files.

    capture.py        the request: what `hbprobe capture` and `hbprobe.Capture` run
    capture_file.py   a capture file, a folder of them, or a pipe: read in pieces, or refused by name where it is
                      another kind
    packet_records.py where each packet of a piece lies, when it came, on which kind of link: pcap and pcapng (pure)
    headers.py        link, IP and TCP headers of all packets of a piece at once, by numpy (pure)
    retention.py      which packets a verdict can need; the others are counted and let go (pure)
    tcp_flow.py       what is kept, as connections: packets of one client and one server in order (pure)
    hints.py          which protocol a connection may speak, without keys: by its first bytes in clear, else by timing
                      and size
    two_sides.py      one connection in two captures: matched, and what was seen on one side only (pure)
    fate.py           what is said of one connection: how it ended, who ended it, and why one thinks so
    story.py          one connection, packet by packet: what repeats, what is a keep-alive, what only says goodbye
                      (pure)
    makers.py         who made the packet that ended a connection, as far as it betrays that (pure)
    death.py          from the packets of one connection to how it ended, and what it died of (pure)
    other_flows.py    what the other connections of a capture say of one: was the path up when it died, was the server
                      restarted?
    idle_timers.py    from many connections to timers, as limits (pure)
    findings.py       what captures showed, as values and as the document
    answer.py         what a record of captures says in a few sentences: the answer first, for terminals, files and
                      comments
    annotation.py     a pcapng with comments on the packets that matter, a verdict on the section, and names; packets
                      as they were

A new link type is a row of `headers.LINKS`, a new container a scanner in `packet_records`, a new sign a function of
`makers`, which says its weight.
"""
