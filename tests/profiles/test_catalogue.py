"""Finding profiles by id, file and folder."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hbprobe.errors import UserError
from hbprobe.manner import Expiry, Layer
from hbprobe.profiles.catalogue import Catalogue, built_in_folder, profile_files, select
from hbprobe.profiles.model import Category

TEXT = """\
id: {id}
name: A box
category: {category}
layer: {layer}
timers: {{ {kind}: {{ default: {default}, expiry: {expiry}, restarted_by: {restarted_by}{status}, source: us }} }}
sources: {{ us: {{ grade: example, says: made up }} }}
"""


def write(path, *, category="nat", layer="packet", default="10min", expiry="silent", kind="idle"):
    path.parent.mkdir(parents=True, exist_ok=True)
    restarted_by = "data" if kind == "idle" else "nothing"
    status = ", status: 504" if expiry == "respond" else ""
    path.write_text(
        TEXT.format(
            id=path.stem,
            category=category,
            layer=layer,
            default=default,
            expiry=expiry,
            kind=kind,
            restarted_by=restarted_by,
            status=status,
        )
    )
    return path


@pytest.fixture
def catalogue(tmp_path):
    shipped = tmp_path / "shipped"
    write(shipped / "nat" / "big-nat.yaml")
    write(shipped / "nat" / "big-nat-reset.yaml", expiry="reset")
    write(shipped / "firewall" / "wall.yaml", category="firewall", default="1h")
    write(
        shipped / "firewall" / "web-wall.yaml",
        category="firewall",
        layer="http",
        kind="total",
        expiry="respond",
        default=30,
    )
    write(shipped / "firewall" / "hour-wall.yaml", category="firewall", kind="lifetime", default="1h", expiry="close")
    return Catalogue(shipped)


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A folder of the user's, which is also where he is."""
    folder = tmp_path / "mine"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def complaint(catalogue, reference):
    with pytest.raises(UserError) as caught:
        catalogue.find(reference)
    return str(caught.value)


def test_an_id(catalogue):
    assert catalogue.find("big-nat").timers.idle.default == 600
    assert [profile.id for profile in catalogue.find_all("big-nat")] == ["big-nat"]


def test_all_of_them_in_the_order_of_folders_and_names(catalogue):
    assert catalogue.ids == ["big-nat", "big-nat-reset", "hour-wall", "wall", "web-wall"]
    found = [profile.id for profile in catalogue.all()]
    assert found == ["hour-wall", "wall", "web-wall", "big-nat", "big-nat-reset"]


@pytest.mark.parametrize(
    ("word", "near"),
    [
        ("big-mat", "near: big-nat, big-nat-reset; "),
        ("WALL-", "near: wall, web-wall; "),
        ("reset", "near: big-nat-reset; "),
        ("na", ""),
        ("zzz", ""),
        ("", ""),
    ],
)
def test_an_unknown_id_tells_what_is_near(catalogue, word, near):
    assert complaint(catalogue, word) == f"no profile called '{word}'; {near}hbprobe profiles list shows all"


def test_a_file(catalogue, mine):
    write(mine / "own.yaml")
    write(mine / "other.yml")
    assert catalogue.find("own.yaml").id == "own"
    assert catalogue.find("./other.yml").id == "other"
    assert catalogue.find(str(mine / "own.yaml")).id == "own"


def test_an_id_comes_before_a_folder_of_the_same_name(catalogue, mine):
    write(mine / "wall" / "own.yaml")
    assert catalogue.find("wall").id == "wall"
    assert catalogue.find("./wall").id == "own"


def test_a_folder_that_holds_one(catalogue, mine):
    write(mine / "boxes" / "nat" / "own.yaml")
    (mine / "boxes" / "README.md").write_text("# Boxes\n")
    assert catalogue.find("boxes").id == "own"
    assert catalogue.find("boxes/").id == "own"


def test_a_folder_that_holds_several(catalogue, mine):
    for name in ("b", "a", "c", "d"):
        write(mine / "boxes" / f"{name}.yaml")
    assert [profile.id for profile in catalogue.find_all("boxes")] == ["a", "b", "c", "d"]
    assert (
        complaint(catalogue, "boxes")
        == "boxes holds 4 profiles; name one of them: boxes/a.yaml, boxes/b.yaml, boxes/c.yaml, ..."
    )


def test_paths_that_lead_nowhere(catalogue, mine):
    (mine / "empty").mkdir()
    (mine / "notes.txt").write_text("id: notes\n")
    assert complaint(catalogue, "empty") == "empty: holds no profile (.yaml or .yml)"
    assert complaint(catalogue, "none.yaml") == "none.yaml: no such file or folder"
    assert complaint(catalogue, "no/such") == "no/such: no such file or folder"
    assert complaint(catalogue, "notes.txt") == "notes.txt: a profile is a file that ends in .yaml or .yml"
    assert complaint(catalogue, "a\x1b/b") == "'a\\x1b/b': no such file or folder"


def test_a_wrong_file_says_where(catalogue, mine):
    write(mine / "own.yaml", layer="packed")
    assert complaint(catalogue, "own.yaml") == (
        "own.yaml:4: layer: 'packed' is not allowed; did you mean packet? (allowed: packet, tcp, http)"
    )


def test_a_link_to_nothing(catalogue, mine):
    (mine / "own.yaml").symlink_to("none")
    assert complaint(catalogue, "own.yaml") == "own.yaml: no such file"


def test_files_of_a_folder_in_order(tmp_path):
    for name in ("b/x-y.yaml", "b/x.yaml", "a/z.yml", "a/z.txt"):
        write(tmp_path / name)
    (tmp_path / "a" / "folder.yaml").mkdir()
    found = [path.relative_to(tmp_path).as_posix() for path in profile_files(tmp_path)]
    assert found == ["a/z.yml", "b/x.yaml", "b/x-y.yaml"]


@given(st.text(st.characters(exclude_characters="/.")), st.sampled_from(["", ".yaml", "/x.yaml", ".txt"]))
def test_any_reference_finds_something_or_is_a_user_error(word, ending):
    told = "-"
    try:
        Catalogue(built_in_folder() / "example").find_files(word + ending)
    except UserError as error:
        told = str(error)
    assert told.isprintable()


def test_the_built_in_folder_lies_beside_the_package_or_in_it():
    assert (built_in_folder() / "example" / "ten-minute-provider.yaml").is_file()


def test_select(catalogue):
    def ids(**conditions):
        return [profile.id for profile in select(catalogue.all(), **conditions)]

    assert ids() == ["hour-wall", "wall", "web-wall", "big-nat", "big-nat-reset"]
    assert ids(category=Category.NAT) == ["big-nat", "big-nat-reset"]
    assert ids(layer=Layer.HTTP) == ["web-wall"]
    assert ids(expiry=Expiry.CLOSE) == ["hour-wall"]
    assert ids(below_s=3600) == ["web-wall", "big-nat", "big-nat-reset"]
    assert ids(below_s=600) == ["web-wall"]
    assert ids(category=Category.FIREWALL, below_s=3601, layer=Layer.PACKET) == ["hour-wall", "wall"]
