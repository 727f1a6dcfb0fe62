"""The script that counts which products are named: a few of them, as shipped and with a changed timer."""

import pytest
from support.scripts import script

from hbprobe.profiles.catalogue import Catalogue

rig = script("product_shares")


@pytest.mark.parametrize(
    ("name", "by", "who"),
    [
        ("nginx-http-proxy", 1.0, rig.EQUALS),
        ("haproxy-sample-edge", 1.7, rig.EQUALS),
        ("aws-alb", 0.6, rig.EQUALS),
        ("fortinet-fortigate", 0.6, rig.EQUALS),
        ("f5-bigip-tcp-profile", 1.7, rig.EQUALS),
    ],
)
def test_the_product_is_among_the_first_and_nothing_impossible_is(name, by, who):
    profile = Catalogue().find(name)
    box = profile if by == 1.0 else rig.changed(profile, by)
    found, _, impossible = rig.verdict(profile, rig.diagnosed(box))
    assert (found, impossible) == (who, 0)


def test_a_timer_that_cannot_be_changed_is_not():
    assert rig.changed(Catalogue().find("aws-nat-gateway"), 1.7) is None


@pytest.mark.parametrize(
    "name", ["nginx-stream-proxy", "gcp-vpc-firewall-conntrack", "haproxy-debian", "aws-nlb-tcp"]
)
def test_nothing_that_a_product_does_in_a_lab_speaks_against_it(name):
    found = rig.diagnosed(Catalogue().find(name)).matches(rig.ALL)
    assert next(match.doubts for match in found if match.profile.id == name) == ()
