"""How products call themselves in what they answer."""

from dataclasses import replace

import pytest

from hbprobe.diagnosis.naming import has_page, is_named, nameless, names_of, told_names
from hbprobe.manner import Manner
from hbprobe.profiles.catalogue import Catalogue
from hbprobe.trial.evidence import page_words

CATALOGUE = Catalogue()
ALL = CATALOGUE.all()
PAGE = "<html><body><center><h1>504 Gateway Time-out</h1></center><hr><center>nginx/1.22.1</center></body></html>"


@pytest.mark.parametrize(
    ("profile", "names"),
    [
        ("aws-alb", ("awselb",)),
        ("caddy", ("caddy",)),
        ("heroku-router", ("heroku", "router", "vegur")),
        ("apache-httpd-mod-proxy", ("apache/",)),
    ],
)
def test_what_the_headers_of_a_product_hold(profile, names):
    assert names_of(CATALOGUE.find(profile)) == names


def test_capitals_make_no_difference_and_each_name_is_told_once(facts):
    assert is_named(CATALOGUE.find("caddy"), ["CADDY/2"])
    assert not is_named(CATALOGUE.find("caddy"), ["nginx/1.22.1", ""])
    seen = [facts.ended(Manner.STATUS, status=504, server="a")] * 2
    assert told_names([*seen, replace(seen[0], via="1.1 b")]) == ("a", "1.1 b")


@pytest.mark.parametrize(
    ("server", "via", "found"),
    [
        ("lighttpd/1.4.69", "", ("lighttpd/1.4.69",)),
        ("nginx/1.22.1", "1.1 some-box (Zscaler/6)", ("1.1 some-box (Zscaler/6)",)),
        ("cloudflare", "1.1 vegur", ()),
        ("Python/3.11 aiohttp/3.9", "1.1 hbprobe", ()),
        ("", "", ()),
    ],
)
def test_a_name_that_the_catalogue_lacks_is_told(facts, server, via, found):
    seen = [replace(facts.ended(Manner.STATUS, status=504, server=server), via=via)]
    assert nameless([one for one in ALL if one.id != "lighttpd"], seen) == found


@pytest.mark.parametrize(
    ("body", "came", "found"),
    [
        (PAGE, PAGE.replace("1.22.1", "1.27.0"), True),
        (PAGE, "<h1>504 Gateway Timeout</h1>", False),
        (PAGE, "", None),
        ("", PAGE, None),
    ],
)
def test_a_page_is_a_products_or_not_or_one_of_the_two_is_not_known(facts, body, came, found):
    seen = [replace(facts.ended(Manner.STATUS, status=504), page=page_words(came))]
    assert has_page(body, seen) is found
