"""A URL to probe, taken apart, and what its scheme says of a connection."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

from hbprobe.text import without_query_values

_PATH_MARKS = "/?:@!$&'()*+,;=%-._~"
"""What may stand in a path or query as it is (RFC 3986)."""


@dataclass(frozen=True, slots=True)
class Scheme:
    """What a URL's scheme says of a connection."""

    tls: bool
    port: int | None
    """Where the URL names none; None where it must."""


HTTP_1_1 = "http/1.1"
HTTP_2 = "h2"
"""Its name in TLS (RFC 7301, section 6)."""
HTTP: Mapping[str, Scheme] = {"https": Scheme(tls=True, port=443), "http": Scheme(tls=False, port=80)}


@dataclass(frozen=True, slots=True)
class Target:
    """A URL, taken apart."""

    tls: bool
    host: str
    port: int
    path: str
    scheme: str = ""
    """Empty for https and http."""

    @classmethod
    def parse(cls, url: str, schemes: Mapping[str, Scheme] = HTTP) -> "Target":
        """Read a URL of one of these schemes; raises ValueError, in words a user can act on, for anything else."""
        if "@" in re.split(r"[/?#]", url.partition("://")[2])[0]:  # first of all, so that no message repeats it
            raise ValueError("a URL to probe holds no user name or password")
        said = url.partition("://")[0].lower()
        usual = said if said in schemes else next(iter(schemes))
        where = "HOST:PORT" if schemes[usual].port is None else "HOST[:PORT]"
        mend = f"write {usual}://{where}[/PATH]"
        if "@" in unquote(url):  # somewhere in it may be a password
            unusable = ValueError(f"no URL to probe: {mend}, without a user name or password")
        else:
            unusable = ValueError(f"{without_query_values(url)!r} is no URL to probe: {mend}")
        try:
            parts = urlsplit(url)
            host, port = (parts.hostname or "").encode("idna").decode(), parts.port
        except ValueError:  # an IPv6 address without its brackets, a port out of range, an endless name
            raise unusable from None
        scheme = schemes.get(parts.scheme)
        if scheme is None or not host or port == 0:
            raise unusable
        port = port or scheme.port
        if port is None:
            raise unusable
        path = quote(parts.path + (f"?{parts.query}" if parts.query else ""), safe=_PATH_MARKS)
        return cls(scheme.tls, host, port, path or "/", "" if parts.scheme in HTTP else parts.scheme)

    def __str__(self) -> str:
        """Return it as it may be shown: the values in a query may be secrets, and are left out."""
        return without_query_values(self.url)

    @property
    def url(self) -> str:
        """The whole of it, for whoever compares and shows it to nobody."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme or ('https' if self.tls else 'http')}://{host}:{self.port}{self.path}"

    @property
    def authority(self) -> str:
        """What the Host header says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.tls else 80) else f"{host}:{self.port}"
