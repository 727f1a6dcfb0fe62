"""How products call themselves in what they answer: Server, Via, and the page of an error.

A product that its answer names is named by more than its timer, which anybody may have changed. A name that no
product of the catalogue has is worth telling, too: then those that are named instead only behave like it.
"""

import re
from collections.abc import Iterable, Sequence

from hbprobe.profiles.model import Profile
from hbprobe.trial.evidence import Observation, page_words

_MORE: dict[str, tuple[str, ...]] = {
    # Server, in https://github.com/Ekultek/WhatWaf/issues/1162
    "akamai-property-read-timeout": ("akamaighost",),
    # Server and Via, in doc/admin-guide/files/records.config.en.rst of https://github.com/apache/trafficserver
    "apache-traffic-server": ("ats/", "apachetrafficserver"),
    # Server, in the documentation of https://github.com/awslabs/scale-out-computing-on-aws
    "aws-alb": ("awselb",),
    # the page, in https://github.com/MicrosoftDocs/azure-docs/issues/110739; that of v1 was not found
    "azure-application-gateway-v2": ("microsoft-azure-application-gateway/v2",),
    # Via, in https://cloud.google.com/load-balancing/docs/https#target-proxies
    "gcp-application-lb-global": ("1.1 google",),
    "gcp-application-lb-regional": ("1.1 google",),
    # Via, of the router's own source: https://github.com/heroku/vegur
    "heroku-router": ("vegur",),
    # Server, of IIS, which ARR is an extension of: https://blogs.iis.net/finbarryan/application-request-routing-and-server-headers-quot-x-powered-by-arr-2-5-quot
    "microsoft-iis-arr": ("microsoft-iis",),
}
"""Names that are neither part of a product's id nor of what it is built on, each with where it stands."""
_COMMON = frozenset(
    {"application", "balancer", "connect", "edge", "forward", "gateway", "global", "http", "httpd", "load", "proxy"}
    | {"regional", "rest", "sample", "server", "service", "apache", "aws", "azure", "cisco", "cloud", "google"}
    | {"huawei", "microsoft", "oracle", "property", "read", "timeout", "packaged", "stream", "cache", "front", "door"}
)
"""Words of an id that name no product by themselves."""
_OWN = ("aiohttp", "hbprobe")
"""What hbprobe's own far end calls itself."""


def names_of(profile: Profile) -> tuple[str, ...]:
    """Return what the headers of a product hold, in small letters."""
    words = [word for word in profile.id.split("-") if word not in _COMMON and len(word) > 3]
    built_on = [profile.built_on.lower().split()[-1]] if profile.built_on else []
    apache = ["apache/"] if profile.id == "apache-httpd-mod-proxy" else []
    return (*dict.fromkeys((*words, *built_on, *apache, *_MORE.get(profile.id, ()))),)


def told_names(seen: Sequence[Observation]) -> tuple[str, ...]:
    """Return how those call themselves who answered or passed an answer on, hbprobe's own far end aside."""
    told = [name for one in seen for name in (one.server, one.via)]
    return tuple(dict.fromkeys(name for name in told if name and not any(own in name.lower() for own in _OWN)))


def is_named(profile: Profile, told: Iterable[str]) -> bool:
    """Return whether one of the headers names the product."""
    names = names_of(profile)
    return any(name in one.lower() for one in told for name in names)


def nameless(profiles: Sequence[Profile], seen: Sequence[Observation]) -> tuple[str, ...]:
    """Return the names that headers told and no product of the catalogue has."""
    return tuple(one for one in told_names(seen) if not any(is_named(profile, [one]) for profile in profiles))


def has_page(body: str, seen: Sequence[Observation]) -> bool | None:
    """Return whether an error's page is the one that a product ships; None where one of them is not known."""
    pages = [_without_version(one.page) for one in seen if one.page]
    if not body or not pages:
        return None
    return _without_version(page_words(body)) in pages


def _without_version(page: str) -> str:
    return re.sub(r"/[0-9][\w.]*", "", page).strip()
