"""Checking files."""

import pytest

from hbprobe.profiles.checking import check_files

TEXT = "id: {id}\nname: A box\ncategory: nat\nlayer: packet\ntimers: {{}}\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path.relative_to(tmp_path)


def write(path, name):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(TEXT.format(id=name))
    return path


def test_good_files(folder):
    assert check_files([]) == []
    assert check_files([write(folder / "one.yaml", "one"), write(folder / "any-name.yml", "two")]) == []


def test_every_mistake_of_every_file(folder):
    wrong = folder / "wrong.yaml"
    wrong.write_text(TEXT.format(id="Wrong").replace("packet", "packets"))
    (folder / "latin.yaml").write_bytes(b"\xfc")
    assert check_files([wrong, folder / "none.yaml", folder / "latin.yaml"]) == [
        "wrong.yaml:1: id: 'Wrong' is not an id: small letters and digits, joined by single hyphens",
        "wrong.yaml:4: layer: 'packets' is not allowed; did you mean packet? (allowed: packet, tcp, http)",
        "none.yaml: no such file",
        "latin.yaml:1: not UTF-8: the byte 0xfc; save it as UTF-8",
    ]


def test_two_files_with_one_id(folder):
    files = [write(folder / "a.yaml", "same"), write(folder / "b.yaml", "same")]
    assert check_files(files) == ["b.yaml:1: id: is also the id of a.yaml"]


def test_one_file_given_twice_is_no_mistake(folder):
    path = write(folder / "a.yaml", "one")
    assert check_files([path, path]) == []


def test_a_file_of_the_catalogue_has_its_place(folder):
    catalogue = folder / "proxy_profiles"
    assert check_files([write(catalogue / "nat" / "one.yaml", "one")]) == []
    assert check_files([write(catalogue / "nat" / "two.yml", "two")]) == [
        "proxy_profiles/nat/two.yml:1: id: the file of two in the catalogue is two.yaml"
    ]
    assert check_files([write(catalogue / "firewall" / "x.yaml", "three")]) == [
        "proxy_profiles/firewall/x.yaml:1: id: the file of three in the catalogue is three.yaml",
        "proxy_profiles/firewall/x.yaml:3: category: the folder of nat is proxy_profiles/nat",
    ]
