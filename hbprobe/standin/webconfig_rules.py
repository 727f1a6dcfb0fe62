"""What of a web.config the stand-in keeps to beside the heartbeat settings: request filtering, and limits.

IIS answers what a rule denies with 404.19:
https://learn.microsoft.com/en-us/iis/configuration/system.webserver/security/requestfiltering/filteringrules/
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import unquote
from xml.etree import ElementTree

from hbprobe.eas.releases import Release
from hbprobe.exchange.settings_files import AppSettings, is_export, read_app_settings
from hbprobe.standin.messages import ClientRequest, RefusedRequestError, refusal

SUBSTATUS = 19
_RULES = "system.webServer/security/requestFiltering/filteringRules/filteringRule"


@dataclass(frozen=True, slots=True)
class FilteringRule:
    """Strings, and where they must not stand. Case makes no difference."""

    name: str
    strings: tuple[str, ...]
    """In lower case."""
    headers: tuple[str, ...] = ()
    """Names of headers to look into, in lower case."""
    in_url: bool = True
    in_query: bool = False
    in_all: bool = False
    """Look into every header, names and values."""

    def denies(self, request: ClientRequest) -> bool:
        """Return whether one of the strings stands where the rule looks."""
        return any(string in place.lower() for place in self._places(request) for string in self.strings)

    def _places(self, request: ClientRequest) -> Iterable[str]:
        if self.in_url:
            yield unquote(request.path)
        if self.in_query:
            yield request.query
        yield from (text for name, text in request.headers.items() if name in self.headers)
        if self.in_all:
            yield from (f"{name}: {text}" for name, text in request.headers.items())


def deny(request: ClientRequest, rules: Sequence[FilteringRule]) -> None:
    """Raise RefusedRequestError for a request that a rule denies; IIS does so before anybody logs in."""
    for rule in rules:
        if rule.denies(request):
            why = "404.19: a filtering rule of the server denies the request"
            raise RefusedRequestError(refusal(404, why, substatus=SUBSTATUS), f"denied by filtering rule {rule.name}")


def read_filtering_rules(data: bytes, name: str) -> tuple[FilteringRule, ...]:
    """Read the rules of a web.config; `name` is what messages call it. Raises UserError for what cannot be one.

    Rules for file name extensions are left out: the ActiveSync address has none.
    """
    if is_export(data):
        return ()
    read_app_settings(data, name)  # refuses what would be dangerous to read on
    found = ElementTree.fromstring(data).iterfind(_RULES)
    return tuple(_rule(node) for node in found if node.find("appliesTo/add") is None)


def _rule(node: ElementTree.Element) -> FilteringRule:
    def is_set(attribute: str, default: str) -> bool:
        return node.get(attribute, default).lower() in ("true", "1")

    return FilteringRule(
        name=node.get("name", ""),
        strings=_values(node, "denyStrings", "string"),
        headers=_values(node, "scanHeaders", "requestHeader"),
        in_url=is_set("scanUrl", "true"),
        in_query=is_set("scanQueryString", "false"),
        in_all=is_set("scanAllRaw", "false"),
    )


def _values(node: ElementTree.Element, block: str, attribute: str) -> tuple[str, ...]:
    """Return what a list adds; a string that is empty would stand everywhere."""
    return tuple(value.lower() for item in node.iterfind(f"{block}/add") if (value := item.get(attribute)))


_FOLDERS = ("MaxNumOfFolders", range(30, 5001), 100)
_DELAY = ("ErrorResponseDelay", range(60), 20)


@dataclass(frozen=True, slots=True)
class Limits:
    """What Exchange goes by, bad values already replaced; without arguments, as where no key is set.

    Ranges and defaults are those of Exchange Server 2013.
    """

    max_folders: int = _FOLDERS[2]
    """A Ping on so many folders, or more, gets status 6."""
    error_delay_s: int = _DELAY[2]
    """How long an answer with an HTTP error is kept back."""


def shipped_limits(release: Release) -> Limits:
    """Return the limits of the web.config that a release ships.

    Of 2016 and 2019 it can be read: ExchangeBackEnd-EAS_web.config in https://github.com/microsoft/CSS-Exchange.
    """
    return Limits(max_folders=1000) if release in (Release.V2016, Release.V2019) else Limits()


def read_limits(data: bytes, name: str) -> Limits:
    """Read the limits of a web.config; `name` is what messages call it. Raises UserError for what cannot be one."""
    if is_export(data):
        return Limits()  # the registry of Exchange Server 2003 has the heartbeats only
    found = read_app_settings(data, name)
    return Limits(_value(found, *_FOLDERS), _value(found, *_DELAY))


def _value(found: AppSettings, key: str, legal: range, default: int) -> int:
    entry = found.entries.get(key.lower())
    text = entry.value.strip() if entry else ""
    value = int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else default
    return value if value in legal else default
