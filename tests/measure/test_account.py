"""Who logs in, and where the password comes from."""

import asyncio
import os
import sys

import pytest

import hbprobe
from hbprobe import warp
from hbprobe.errors import RequestError
from hbprobe.measure.account import account_of


def account(user=None, password_file=None, password=None):
    return account_of(user, password=password, password_file=password_file)


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
    text = "no password: set HBPROBE_PASSWORD, or name a file with --password-file; for a token use --token-file"
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


# Tokens

TOKEN = "eyJ0eXAi.e30.c2ln-_~+/=="


def with_token(**secret):
    return account_of("ada", **secret)


def printing(text):
    return f"{sys.executable} -c \"print('{text}')\""


@pytest.mark.parametrize("text", [TOKEN, f"{TOKEN}\n", f"\ufeff  Bearer {TOKEN} \r\nmore\n"])
def test_a_token_from_a_file(tmp_path, text):
    file = tmp_path / "token"
    file.write_text(text, encoding="utf-8", newline="")
    file.chmod(0o600)
    assert with_token(token_file=file).authorization == f"Bearer {TOKEN}"


def test_a_token_from_a_command():
    who = with_token(token_command=printing(TOKEN))
    assert (who.scheme, who.authorization) == ("Bearer", f"Bearer {TOKEN}")


def test_no_secret_is_in_the_text_of_anything(tmp_path):
    file = tmp_path / "token"
    file.write_text(TOKEN)
    for who in (
        with_token(token_file=file),
        with_token(token_command=printing(TOKEN)),
        account("ada", password="pw"),
    ):
        assert TOKEN not in repr(who) and "pw" not in repr(who)


def test_a_file_is_read_again_and_a_bad_moment_does_no_harm(tmp_path, caplog):
    file = tmp_path / "token"
    file.write_text("first")
    file.chmod(0o600)
    who = with_token(token_file=file)
    file.write_text("second")
    asyncio.run(who.renew())
    assert who.authorization == "Bearer second"
    file.write_text("")
    asyncio.run(who.renew())
    assert who.authorization == "Bearer second"
    assert caplog.messages == [f"token_file {file}: its first line is empty"]


def test_a_command_is_run_again_once_its_token_is_old(tmp_path):
    file = tmp_path / "numbers"
    file.write_text("")
    script = f"f = open(r'{file}', 'a+'); f.write('x'); f.seek(0); print(len(f.read()))"
    who = with_token(token_command=f'{sys.executable} -c "{script}"')

    async def main():
        seen = []
        for _ in range(4):
            await who.renew()
            seen.append(who.authorization)
            await asyncio.sleep(400)
        return seen

    assert warp.run(main(), warp.WarpClock()) == ["Bearer 1", "Bearer 1", "Bearer 2", "Bearer 2"]


NONE = (
    "is no bearer token: one line of letters, digits and -._~+/= is wanted, as az account get-access-token --query "
    "accessToken -o tsv prints it"
)


@pytest.mark.parametrize("text", ['{"accessToken": "e30"}', "two words", "caf\u00e9", "=="])
def test_what_is_no_token(tmp_path, text):
    file = tmp_path / "token"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(RequestError) as raised:
        with_token(token_file=file)
    assert str(raised.value) == f"token_file {file}: {NONE}"
    assert raised.value.field == "token_file"


@pytest.mark.parametrize(
    ("script", "what"),
    [("raise SystemExit(3)", "ended with status 3"), ("pass", NONE), ("print(1); print(2)", NONE)],
)
def test_a_command_that_gives_none(script, what):
    command = f'{sys.executable} -c "{script}"'
    with pytest.raises(RequestError) as raised:
        with_token(token_command=command)
    assert str(raised.value) == f"token_command {command}: {what}"


@pytest.mark.parametrize("secret", ["password", "password_file", "token_file"])
def test_one_secret_is_enough(secret):
    with pytest.raises(RequestError, match=f"^token_command does not go with {secret}: drop one$"):
        hbprobe.Preflight("https://mail.example.com/", user="ada", token_command="x", **{secret: "y"})
