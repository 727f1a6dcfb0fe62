"""Which hop forgets idle connections.

`route` finds the hops, `raw_route` with privileges and better; `hop_trials` holds a request for each of them, whose
keep-alives die there; `finding` makes of what lived and died the hop that needs keep-alives. `hbprobe.measure.locate`
has the request.

    route.py      the hops to a server, without privileges: connections that may go only so far, and what ICMP says of
                  them
    raw_route.py  the hops to a server by raw packets: a TCP traceroute whose SYNs are one flow, built and read by
                  scapy
    hop_trials.py requests that are held while their keep-alives reach only so far, all of them side by side
    finding.py    which hop forgets idle connections: what TCP keep-alives that reach only so far make of held
                  requests
"""
