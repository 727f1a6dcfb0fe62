"""Toxiproxy's HTTP API over hbprobe's boxes: any client of Toxiproxy, in any language, steers them.

What a toxic does, and the calls on toxics, are in `hbprobe.middlebox.faults`; here are the proxies.

    api.py         the calls, with Toxiproxy's answers, errors and status codes
    toxic_proxy.py one proxy: where it listens, where it leads, which box stands there
    api_reading.py what comes in: JSON to proxies, with Toxiproxy's errors
    tls_files.py   the settings of TLS on either side of a proxy, made of files
    metrics.py     what proxies have moved so far, for Prometheus: it counts while connections live, not when they end

Toxiproxy 2.12 and 2.13 are the model (https://github.com/Shopify/toxiproxy); `docs/toxiproxy.md` says what differs.
"""
