"""Boxes whose flows can be given faults while they run: delays, limits, early ends, silence that heals.

A caller of an HTTP API (`toxic_calls`) gives a `toxic_box` a toxic, by name (`toxics`). What each flow gets of it is
a `treatment`: stages, rules of its own, darkness; `staged_relay` carries it out, and events say what it did.

    toxics.py        what degrades the flows of one box, by name, each for a share of the flows
    treatment.py     how one flow is to be degraded
    staged_relay.py  a relay whose flows can be degraded while they live: by stages, by rules of their own, by a black
                     hole each
    flow_tls.py      what the two ends of a flow speak, TLS or not, and how far each has come
    tls_relay.py     a relay with stages that ends its client's TLS, or begins its server's, or both: faults apply to
                     what is inside
    toxic_box.py     what every box with toxics can be asked and told, whatever its layer, in one process or in
                     several
    fault_box.py     a box of layer packet or tcp that is given toxics while it runs
    staged_leg.py    a client's connection to an http box, with stages between the client and the box: on the plain
                     bytes inside TLS
    fault_gateway.py a box of layer http that is given toxics while it runs: stages between the client and the box,
                     and a black hole
    toxic_reading.py what callers ask for: JSON to toxics, with Toxiproxy's errors
    toxic_calls.py   the calls of an HTTP API that give boxes toxics: documents as Toxiproxy has them

`hbprobe.toxiproxy` and `hbprobe.middlebox.control_api` are the two APIs that have these calls.
"""
