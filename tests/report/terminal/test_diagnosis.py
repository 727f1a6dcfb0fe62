import pytest

from hbprobe.diagnosis.ranking import Match
from hbprobe.profiles.catalogue import Catalogue
from hbprobe.report.terminal.diagnosis import family_names

CATALOGUE = Catalogue()


@pytest.mark.parametrize(
    ("ids", "names"),
    [
        (["fortinet-fortigate", "cisco-asa"], ["FortiGate", "Cisco ASA"]),
        (
            ["haproxy-debian", "openstack-octavia"],
            ["HAProxy (HAProxy as Debian and Ubuntu package it; OpenStack Octavia, HAProxy amphora)"],
        ),
        (["openstack-octavia"], ["OpenStack Octavia, HAProxy amphora"]),
        (["gcore-cdn"], ["Gcore CDN, which is built on nginx"]),
    ],
)
def test_products_of_one_family_are_named_together(ids, names):
    assert family_names([Match(CATALOGUE.find(name), ()) for name in ids]) == names
