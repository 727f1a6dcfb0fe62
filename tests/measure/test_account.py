"""Who logs in, and where the password comes from."""

import os

import pytest

from hbprobe.errors import RequestError
from hbprobe.measure.account import account_of


def account(user=None, password_file=None, password=None):
    return account_of(user, password, password_file)


@pytest.fixture(autouse=True)
def nowhere(monkeypatch):
    monkeypatch.delenv("HBPROBE_PASSWORD", raising=False)


def refused(user=None, password_file=None):
    with pytest.raises(RequestError) as raised:
        account(user, password_file)
    return raised.value.told(lambda field: f"--{field.replace('_', '-')}")


def test_the_password_from_the_environment(monkeypatch):
    monkeypatch.setenv("HBPROBE_PASSWORD", "from the environment")
    who = account("ada")
    assert (who.user, who.password) == ("ada", "from the environment")


def test_the_one_that_is_given_comes_first_of_all(monkeypatch, tmp_path):
    monkeypatch.setenv("HBPROBE_PASSWORD", "from the environment")
    assert account("ada", tmp_path / "missing", password="given").password == "given"


@pytest.mark.parametrize("text", ["from a file\n", "from a file", "from a file\r\nmore\n", "\ufefffrom a file\n"])
def test_a_file_comes_first(monkeypatch, tmp_path, text):
    monkeypatch.setenv("HBPROBE_PASSWORD", "from the environment")
    file = tmp_path / "password"
    file.write_text(text, encoding="utf-8", newline="")
    assert account("ada", file).password == "from a file"


def test_a_prompt(monkeypatch):
    asked = []
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("getpass.getpass", lambda text: asked.append(text) or "typed")
    assert account("ada").password == "typed"
    assert asked == ["password of ada: "]


def test_what_is_missing():
    assert refused() == "--user is missing: ActiveSync wants a login"


def test_no_password(monkeypatch):
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    text = "no password: set HBPROBE_PASSWORD, or name a file with --password-file"
    assert refused("ada") == text


@pytest.mark.parametrize("user", ["", "ada:s3cret", "a\nb", "a\x1b[31m"])
def test_no_name(user):
    text = refused(user)
    assert text == f"--user {user!r}: no name to log in with"


def test_files_that_hold_none(tmp_path):
    missing, empty, binary = tmp_path / "missing", tmp_path / "empty", tmp_path / "binary"
    empty.write_text("\nsecond line\n")
    binary.write_bytes(b"\xff\xfe\x00")

    def of(file):
        return refused("ada", file)

    assert of(missing) == f"--password-file {missing}: cannot be read: No such file or directory"
    assert of(tmp_path) == f"--password-file {tmp_path}: cannot be read: Is a directory"
    assert of(empty) == f"--password-file {empty}: its first line is empty"
    assert of(binary) == f"--password-file {binary}: is not text in UTF-8"


def test_a_password_in_the_environment_that_is_no_text(monkeypatch):
    monkeypatch.setenv("HBPROBE_PASSWORD", os.fsdecode(b"caf\xe9"))
    assert refused("ada") == "HBPROBE_PASSWORD: is not text in UTF-8"


@pytest.mark.skipif(os.name != "posix", reason="modes of files")
@pytest.mark.parametrize(("mode", "remark"), [(0o600, ""), (0o644, "others on this machine can read it")])
def test_a_password_file_that_others_can_read(tmp_path, caplog, mode, remark):
    path = tmp_path / "password"
    path.write_text("secret\n")
    path.chmod(mode)
    account("ada", path)
    assert (remark in caplog.text) if remark else (caplog.text == "")
    assert "secret" not in caplog.text
