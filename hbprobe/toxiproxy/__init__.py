"""Toxiproxy's HTTP API over hbprobe's boxes: any client of Toxiproxy, in any language, steers them.

What a toxic does is in `hbprobe.middlebox` (`toxics`, `stages/`, `staged_relay`); here is how it is asked for.

    api.py            the calls, with Toxiproxy's answers, errors and status codes
    toxic_proxy.py    one proxy: where it listens, where it leads, which toxics it has
    api_reading.py    what comes in: JSON to proxies and toxics, with Toxiproxy's errors
    api_documents.py  what goes out: proxies, toxics, connections and metrics as documents
    feed.py           what happened, numbered, for whoever listens now and for whoever comes back

Toxiproxy 2.12 and 2.13 are the model (https://github.com/Shopify/toxiproxy); `docs/toxiproxy.md` says what differs.
"""
