from ipaddress import ip_network

import pytest

from hbprobe.errors import UserError
from hbprobe.evidence.logs.silences.networks import judged_together, network_of, parse_names, wider


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("198.51.100.7", "198.51.100.0/24"),
        ("198.51.100.7:35197", "198.51.100.0/24"),
        ("::ffff:198.51.100.7", "198.51.100.0/24"),
        ("2001:db8:1:2::3", "2001:db8:1::/48"),
        ("[2001:db8:1:2::3]:443", "2001:db8:1::/48"),
        ("fe80::1%4", "fe80::/48"),
        ("unknown", None),
    ],
)
def test_the_network_of_an_address(address, network):
    found = network_of(address)
    assert (None if found is None else str(found)) == network


def test_the_longest_prefix_gives_the_name():
    names = parse_names(
        "# ours\n\nPrefix,name\n198.51.0.0/16,Carrier A\n198.51.100.0/24,Site B\n2001:db8::/32,Six\n", "n.csv"
    )
    assert names.of("198.51.100.7") == "Site B"
    assert names.of("198.51.7.7") == "Carrier A"
    assert names.of("2001:db8::1") == "Six"
    assert names.of("203.0.113.9") == "203.0.113.0/24"
    assert names.of("-") is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("x,y\n", "n.csv:1: 'x' is no prefix: write 198.51.100.0/24,Carrier A"),
        (
            "198.51.100.0/24,A\n198.51.100.7/24,A\n198.51.100.0/24,B\n",
            "n.csv:3: 198.51.100.0/24 has another name already, A: give it one",
        ),
        ("198.51.100.0/24\n", "n.csv:1: 198.51.100.0/24 has no name: write 198.51.100.0/24,Carrier A"),
        ("", "n.csv: names no network: write lines such as 198.51.100.0/24,Carrier A"),
    ],
)
def test_wrong_names(text, told):
    with pytest.raises(UserError) as caught:
        parse_names(text, "n.csv")
    assert str(caught.value) == told


def test_wider_networks():
    assert wider(["198.51.100.0/24", "Carrier A", "-"]) == {"198.51.100.0/24": "198.51.0.0/16"}


def test_networks_with_few_silences_are_judged_together():
    few = {"198.51.100.0/24": 5, "198.51.101.0/24": 30, "198.51.102.0/24": 16}
    own, wide = "198.51.101.0/24", "198.51.0.0/16"
    assert judged_together(few) == {"198.51.100.0/24": wide, own: own, "198.51.102.0/24": wide}
    lonely = {"198.51.100.0/24": 5, "203.0.113.0/24": 6, own: 30}
    assert judged_together(lonely) == {
        "198.51.100.0/24": "other networks",
        "203.0.113.0/24": "other networks",
        own: own,
    }


@pytest.mark.parametrize(
    ("prefixes", "part"),
    [
        (["198.51.0.0/16", "198.51.100.0/24", "2001:db8::/48"], None),
        (["198.51.100.0/24", "198.51.100.128/25"], "198.51.100.128/25"),
        (["198.51.100.7"], "198.51.100.7/32"),
        (["198.51.100.0/24", "2001:db8:0:1::/64"], "2001:db8:0:1::/64"),
        (["2001:db8::/49"], "2001:db8::/49"),
    ],
)
def test_a_network_that_is_a_part_of_what_pseudonyms_leave(prefixes, part):
    names = parse_names("".join(f"{prefix},x\n" for prefix in prefixes), "n.csv")
    assert (None if part is None else ip_network(part)) == names.within_pseudonyms
