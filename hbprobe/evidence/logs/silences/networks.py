"""Networks of clients: the prefix of an address, and the name that the user has for it."""

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from hbprobe.errors import UserError

Network = IPv4Network | IPv6Network
V4_PREFIX: Final = 24
SHORTEST_PREFIX, LONGEST_PREFIX = 8, 32
"""What may be asked of addresses of version 4."""
V6_PREFIX: Final = 48
"""What a site is given: RFC 6177."""
_FEW: Final = 20
"""A network with fewer silences is looked at together with its neighbours."""


def address_of(text: str) -> IPv4Address | IPv6Address | None:
    """Read an address, also with a port behind it, in brackets, or with a zone; None for what is none."""
    text = text.strip().partition("%")[0]
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def network_of(text: str, v4_prefix: int = V4_PREFIX) -> Network | None:
    """Return the network of an address: the first 24 bits, or 48 of an address of version 6."""
    address = address_of(text)
    if address is None:
        return None
    prefix = v4_prefix if address.version == 4 else min(V6_PREFIX, 2 * v4_prefix)
    return ip_network((address, prefix), strict=False)


@dataclass(frozen=True, slots=True)
class NetworkNames:
    """The names that a user has for networks: carriers, sites."""

    names: tuple[tuple[Network, str], ...] = ()
    """The longest prefix first."""

    def of(self, text: str, v4_prefix: int = V4_PREFIX) -> str | None:
        """Return the name of the network of an address, or the network itself; None where it is no address."""
        address = address_of(text)
        if address is None:
            return None
        for network, name in self.names:
            if address.version == network.version and address in network:
                return name
        return str(network_of(text, v4_prefix))

    @property
    def within_pseudonyms(self) -> Network | None:
        """A network that is only a part of what pseudonyms leave of an address; None where there is no such one."""
        longest = {4: V4_PREFIX, 6: V6_PREFIX}
        return next((network for network, _ in self.names if network.prefixlen > longest[network.version]), None)


def parse_names(text: str, file: str) -> NetworkNames:
    """Read lines of prefix and name, divided by a comma. Raises UserError, naming file, line and mend."""
    found = dict[Network, str]()
    for number, row in enumerate(csv.reader(io.StringIO(text.removeprefix("\ufeff"))), 1):
        cells = [cell.strip() for cell in row]
        is_head = not found and cells[:1] and cells[0].lower() in ("prefix", "network")
        if not any(cells) or cells[0].startswith("#") or is_head:
            continue
        try:
            network = ip_network(cells[0], strict=False)
        except ValueError:
            raise UserError(f"{file}:{number}: {cells[0]!r} is no prefix: write 198.51.100.0/24,Carrier A") from None
        if len(cells) < 2 or not cells[1]:
            raise UserError(f"{file}:{number}: {cells[0]} has no name: write 198.51.100.0/24,Carrier A")
        if found.setdefault(network, cells[1]) != cells[1]:
            raise UserError(f"{file}:{number}: {cells[0]} has another name already, {found[network]}: give it one")
    if not found:
        raise UserError(f"{file}: names no network: write lines such as 198.51.100.0/24,Carrier A")
    return NetworkNames(tuple(sorted(found.items(), key=lambda one: -one[0].prefixlen)))


def wider(names: Iterable[str]) -> dict[str, str]:
    """Return for networks of clients, as text, the /16 (or /32) that they are in; other names stay out."""
    found = {}
    for name in names:
        try:
            network = ip_network(name)
        except ValueError:
            continue
        prefix = 16 if network.version == 4 else 32
        if network.prefixlen > prefix:
            found[name] = str(network.supernet(new_prefix=prefix))
    return found


def judged_together(number: Mapping[str, int]) -> dict[str, str]:
    """Return for each network the group that it is judged in: those with few silences go with their neighbours.

    `number` is how many silences there are of each.
    """
    groups = {name: name for name in number}
    groups |= wider(name for name, count in number.items() if count < _FEW)
    counts: dict[str, int] = {}
    for name, group in groups.items():
        counts[group] = counts.get(group, 0) + number[name]
    if len([group for group in counts if counts[group] < _FEW]) > 1:
        groups = {name: group if counts[group] >= _FEW else "other networks" for name, group in groups.items()}
    return groups
