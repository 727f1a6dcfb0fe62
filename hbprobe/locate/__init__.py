"""Which hop forgets idle connections.

`route` finds the hops, with privileges better than without; `hop_trials` holds a request for each of them, whose
keep-alives die there; `finding` makes of what lived and died the hop that needs keep-alives. `hbprobe.measure.locate`
has the request.

    route.py      the hops to a server: by connections that may go only so far, and what ICMP says of them; or by raw
                  packets, for who may send such
    hop_trials.py requests that are held while their keep-alives reach only so far, side by side where the
                  server lets us
    finding.py    which hop forgets idle connections: what TCP keep-alives that reach only so far make of held
                  requests
"""
