"""From rows to requests, and from these to silences: what a device did next tells what its answer came to.

    networks.py        networks of clients: the prefix of an address, and the name that the user has for it
    pairing.py         one request of two lines: since 2013 a front end and a back end each log it
    following.py       from requests to silences: a line does not tell whether its answer arrived; the same device's
                       next request does

The SQL runs on each of the engines; `hbprobe.evidence.limits` judges what comes out.
"""
