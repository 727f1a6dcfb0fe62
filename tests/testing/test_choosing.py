"""Which boxes the words of a mark stand for."""

import shutil

import pytest

from hbprobe.errors import UserError
from hbprobe.profiles.catalogue import built_in_folder, catalogue
from hbprobe.testing.choosing import USUAL, chosen


def test_ids():
    assert chosen(["aws-nlb-tcp", "azure-load-balancer", "aws-nlb-tcp"]) == ["aws-nlb-tcp", "azure-load-balancer"]
    assert chosen(USUAL) == list(USUAL)


def test_a_category():
    found = chosen(["cloud-load-balancer"])
    assert len(found) > 10
    assert {catalogue()[id_].category for id_ in found} == {"cloud-load-balancer"}


def test_files_of_ones_own(tmp_path):
    file = tmp_path / "mine.yaml"
    shutil.copy(built_in_folder() / "example" / "open-path.yaml", file)
    assert chosen([str(file)]) == chosen([str(tmp_path)]) == [str(file)]


@pytest.mark.parametrize("word", ["", "no-such-box", "Firewall", "example/", "a\0b"])
def test_what_is_none(word):
    with pytest.raises(UserError):
        chosen([word])
