"""Imports aiohttp for a verb that only serves, without what its client would need."""

import ssl


def import_aiohttp() -> None:
    """Import aiohttp without two readings of the system's CA store, which take as long as all of aiohttp.

    They are for its client, which trusts nobody from here on. Not for a process that is one (`hbprobe watch`).
    """
    loads, reads = ssl.SSLContext.load_default_certs, ssl.SSLContext.set_default_verify_paths
    ssl.SSLContext.load_default_certs = lambda *_: None  # type: ignore[method-assign]
    ssl.SSLContext.set_default_verify_paths = lambda self: None  # type: ignore[method-assign]  # noqa: ARG005
    try:
        import aiohttp  # noqa: F401
    finally:
        ssl.SSLContext.load_default_certs = loads  # type: ignore[method-assign]
        ssl.SSLContext.set_default_verify_paths = reads  # type: ignore[method-assign]
