"""What must work before a phone's push can: the checks, one after the other.

`hbprobe.measure.preflight` has the request, `hbprobe.records.preflight` the record.

    preflight.py   what must work before a Ping can wait: name, TCP, TLS, login, the ActiveSync handshake, and one
                   short Ping
    reach.py       the first checks of a preflight: is the server there, and does it prove who it is? Nothing is asked
                   of it yet
    certificate.py what a TLS server shows of itself: certificates, as text, and what is wrong where they are not
                   trusted

A new check is a step of `preflight`, or of `reach` where nothing is asked of the server yet.
"""
