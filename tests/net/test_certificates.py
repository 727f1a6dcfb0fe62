import contextlib
import errno
import os
import random
import shutil
import signal
import ssl
import stat
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import trustme

from hbprobe.errors import UserError
from hbprobe.net.certificates import client_context, loopback_pair, private_ca, server_context, throwaway_pair


def names_on(context, ca):
    """The names on the certificate that a server with this context shows to a client that trusts the CA."""
    client, server = client_context(ca), ssl.MemoryBIO()
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = context.wrap_bio(to_server, to_client, server_side=True)
    peer = client.wrap_bio(to_client, to_server, server_hostname="localhost")
    for side in (peer, server, peer, server):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    return sorted(name for _, name in peer.getpeercert()["subjectAltName"])


LOOPBACK = ["0:0:0:0:0:0:0:1", "127.0.0.1", "localhost"]


def test_a_private_ca_is_made_once(tmp_path):
    ca, context = private_ca(tmp_path / "new" / "state")
    assert ca == tmp_path / "new" / "state" / "ca.pem"
    assert names_on(context, ca) == LOOPBACK
    before = {path.name: path.read_bytes() for path in ca.parent.iterdir()}
    assert sorted(before) == ["ca.pem", "names.txt", "server.pem"]
    assert names_on(private_ca(ca.parent)[1], ca) == LOOPBACK
    assert {path.name: path.read_bytes() for path in ca.parent.iterdir()} == before


def test_a_new_name_makes_it_anew(tmp_path):
    ca, _ = private_ca(tmp_path)
    before = ca.read_bytes()
    _, context = private_ca(tmp_path, ("mail.example", "10.1.2.3"))
    assert ca.read_bytes() != before
    assert names_on(context, ca) == sorted([*LOOPBACK, "10.1.2.3", "mail.example"])


def test_fewer_names_leave_it_as_it_is(tmp_path):
    ca, _ = private_ca(tmp_path, ("mail.example",))
    before = ca.read_bytes()
    private_ca(tmp_path)
    private_ca(tmp_path, ("mail.example", "localhost"))
    assert ca.read_bytes() == before


@pytest.mark.parametrize("missing", ["ca.pem", "server.pem", "names.txt"])
def test_a_file_that_is_lost_makes_it_anew(tmp_path, missing):
    private_ca(tmp_path)
    (tmp_path / missing).unlink()
    ca, context = private_ca(tmp_path)
    assert names_on(context, ca) == LOOPBACK


def test_garbage_for_names_makes_it_anew(tmp_path):
    private_ca(tmp_path)
    (tmp_path / "names.txt").write_bytes(b"\xff\xfe\x00")
    ca, context = private_ca(tmp_path)
    assert names_on(context, ca) == LOOPBACK


def test_nobody_else_may_read_the_key(tmp_path):
    for names in ((), ("mail.example",)):
        private_ca(tmp_path, names)
        assert stat.S_IMODE((tmp_path / "server.pem").stat().st_mode) == 0o600
    assert b"PRIVATE KEY" not in (tmp_path / "ca.pem").read_bytes()


def belong_together(folder):
    """Whether a client that trusts the CA gets on with a server that has the key."""
    return names_on(server_context(folder / "server.pem", folder / "server.pem"), folder / "ca.pem")


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("moment", range(12))
def test_killed_at_any_moment_the_next_start_makes_it_right(tmp_path, monkeypatch, moment):
    private_ca(tmp_path)
    left = [moment]

    def dying(real):
        def call(*args, **more):
            if left[0] == 0:
                raise Killed
            left[0] -= 1
            return real(*args, **more)

        return call

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", dying(os.fsync))
        patched.setattr(Path, "replace", dying(Path.replace))
        patched.setattr(Path, "chmod", dying(Path.chmod))
        patched.setattr(Path, "unlink", lambda *_, **__: None)  # a process that is killed tidies nothing up
        with contextlib.suppress(Killed):
            private_ca(tmp_path, ("mail.example",))
    ca, context = private_ca(tmp_path)
    assert set(names_on(context, ca)) >= set(LOOPBACK)
    assert belong_together(tmp_path)


@pytest.mark.parametrize("whole", range(3))
def test_on_a_full_disk_those_that_are_there_stay_of_use(tmp_path, monkeypatch, whole):
    """So many files are written before it is full."""
    private_ca(tmp_path)
    left, fsync = [whole], os.fsync

    def full(descriptor):
        if left[0] == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        left[0] -= 1
        fsync(descriptor)

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(UserError, match=r"the certificates cannot be kept there: No space left on device; use"):
            private_ca(tmp_path, ("mail.example",))
    assert files_in(tmp_path) == ["ca.pem", "names.txt", "server.pem"], "nothing half made is left"
    ca, context = private_ca(tmp_path)
    assert set(names_on(context, ca)) >= set(LOOPBACK)
    assert belong_together(tmp_path)


MAKING = """
import os, sys
from pathlib import Path
import trustme  # once here, or each child loads it anew
from hbprobe.net.certificates import private_ca
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        private_ca(Path(sys.argv[1]), (line.strip(),))
        os._exit(0)
    print(child, flush=True)
    sys.stdin.readline()
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_kill_9_a_hundred_times_while_they_are_made(tmp_path):
    """One process after the other makes them for another name, and is killed when it has begun to write."""
    state, chance = tmp_path / "state", random.Random(9)
    state.mkdir()
    argv = [sys.executable, "-W", "error", "-c", MAKING, str(state)]
    killed = 0
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as makers:
        for number in range(300):
            if killed == 100:
                break
            makers.stdin.write(f"mail{number}.example\n")
            child = int(makers.stdout.readline())
            for _ in range(chance.randrange(1, 6)):  # three files are begun, and three take their places
                before = files_in(state)
                while files_in(state) == before and not has_ended(child):
                    os.sched_yield()
            os.kill(child, signal.SIGKILL)  # nothing happens to one that has ended: nobody has asked how yet
            makers.stdin.write("\n")
            killed += int(makers.stdout.readline()) == -signal.SIGKILL
            if number % 10 == 0:
                again = tmp_path / str(number)
                shutil.copytree(state, again)
                ca, context = private_ca(again)
                assert set(names_on(context, ca)) >= set(LOOPBACK)
    assert killed
    ca, context = private_ca(state, ("last.example",))
    assert set(names_on(context, ca)) == {*LOOPBACK, "last.example"}
    assert files_in(state) == ["ca.pem", "names.txt", "server.pem"]


def files_in(folder):
    return sorted(path.name for path in folder.iterdir())


def has_ended(child):
    return Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


def test_files_that_do_not_belong_together_are_made_anew(tmp_path):
    private_ca(tmp_path / "a")
    private_ca(tmp_path / "b")
    (tmp_path / "a" / "ca.pem").write_bytes((tmp_path / "b" / "ca.pem").read_bytes())
    ca, context = private_ca(tmp_path / "a")
    assert names_on(context, ca) == LOOPBACK


@pytest.mark.parametrize("name", ["ca.pem", "server.pem"])
@pytest.mark.parametrize(
    "garbage", [b"", b"hello", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_garbage_is_made_anew(tmp_path, name, garbage):
    private_ca(tmp_path)
    (tmp_path / name).write_bytes(garbage)
    ca, context = private_ca(tmp_path)
    assert names_on(context, ca) == LOOPBACK


@pytest.mark.skipif(os.name != "posix", reason="folders are locked with flock")
def test_several_that_start_at_once_agree(tmp_path):
    for number in range(5):
        folder = tmp_path / str(number)
        with ThreadPoolExecutor(4) as pool:
            made = list(pool.map(lambda _, folder=folder: private_ca(folder), range(4)))
        assert all(names_on(context, ca) == LOOPBACK for ca, context in made)
        assert sorted(path.name for path in folder.iterdir()) == ["ca.pem", "names.txt", "server.pem"]


@pytest.mark.parametrize("name", ["ca.pem", "server.pem", "names.txt"])
def test_no_planted_link_is_followed(tmp_path, name):
    victim = tmp_path / "victim"
    victim.write_text("precious")
    state = tmp_path / "state"
    state.mkdir()
    (state / name).symlink_to(victim)
    ca, context = private_ca(state)
    assert victim.read_text() == "precious"
    assert names_on(context, ca) == LOOPBACK
    assert not (state / name).is_symlink()


def test_a_folder_that_cannot_be_used(tmp_path):
    state = tmp_path / "file"
    state.touch()
    with pytest.raises(UserError) as error:
        private_ca(state)
    assert str(error.value) == f"{state}: the certificates cannot be kept there: File exists; use --state DIR"
    with pytest.raises(UserError) as error:
        private_ca(state / "below")
    assert str(error.value) == (
        f"{state / 'below'}: the certificates cannot be kept there: Not a directory; use --state DIR"
    )


@pytest.mark.parametrize("name", ["my_host", "a b", "", "a..b"])
def test_a_name_that_no_certificate_can_carry(tmp_path, name):
    with pytest.raises(UserError) as error:
        private_ca(tmp_path / "state", (name,))
    assert str(error.value).startswith(f"no certificate can be made for {name} (")
    assert str(error.value).endswith("); use --tls CERT,KEY")
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize("pair", [throwaway_pair, loopback_pair])
def test_a_pair_for_one_run(pair):
    server, client = pair()
    assert names_of(server, client, "127.0.0.1")
    assert names_of(server, client, "localhost")
    assert client.verify_mode is ssl.CERT_REQUIRED
    assert client.check_hostname
    assert server.verify_mode is ssl.CERT_NONE


# A server's own files


@pytest.fixture
def files(tmp_path):
    """Certificate and key in files of their own."""
    issued = trustme.CA().issue_cert("localhost")
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    issued.cert_chain_pems[0].write_to_path(certificate)
    issued.private_key_pem.write_to_path(key)
    return certificate, key


def test_files_that_serve(files):
    assert isinstance(server_context(*files), ssl.SSLContext)


def refused(certificate, key):
    with pytest.raises(UserError) as error:
        server_context(certificate, key)
    return str(error.value)


@pytest.mark.parametrize("place", [0, 1])
def test_a_file_that_is_not_there(files, place):
    files[place].unlink()
    assert refused(*files) == f"{files[place]}: no such file; --tls takes CERT,KEY in PEM, auto, or off"


def test_a_key_of_another_certificate(files):
    certificate, key = files
    trustme.CA().issue_cert("localhost").private_key_pem.write_to_path(key)
    assert refused(certificate, key) == (
        f"{certificate}, {key}: no certificate and key that belong together "
        "([X509: KEY_VALUES_MISMATCH] key values mismatch)"
    )


def test_a_file_that_is_no_pem(files):
    certificate, key = files
    certificate.write_text("hello")
    assert refused(certificate, key) == (
        f"{certificate}, {key}: no certificate and key that belong together ([SSL] PEM lib)"
    )


def test_a_key_with_a_password_is_refused_instead_of_asking_for_it(files):
    from cryptography.hazmat.primitives.serialization import (
        BestAvailableEncryption,
        Encoding,
        PrivateFormat,
        load_pem_private_key,
    )

    certificate, key = files
    private = load_pem_private_key(key.read_bytes(), None)
    key.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")))
    assert refused(certificate, key).startswith(
        f"{certificate}, {key}: no certificate and key that belong together ("
    )


def test_a_folder_is_no_certificate(tmp_path, files):
    assert refused(tmp_path, files[1]).startswith(f"{tmp_path}, {files[1]}: no certificate and key")


# A client's trust


def test_a_client_that_checks_nothing(tmp_path):
    context = client_context(None, insecure=True)
    assert context.verify_mode is ssl.CERT_NONE
    assert not context.check_hostname


def test_an_authority_that_is_not_there(tmp_path):
    with pytest.raises(UserError) as error:
        client_context(tmp_path / "ca.pem")
    assert str(error.value) == f"{tmp_path / 'ca.pem'}: no such file: give a certificate in PEM"


@pytest.mark.parametrize("text", ["", "hello", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_an_authority_that_is_no_certificate(tmp_path, text):
    ca = tmp_path / "ca.pem"
    ca.write_text(text)
    with pytest.raises(UserError) as error:
        client_context(ca)
    assert str(error.value).startswith(f"{ca}: no certificate in PEM (")


@pytest.mark.parametrize("memory", [True, False])
def test_a_throwaway_pair_leaves_no_file_and_is_for_the_names_given(memory, monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    if not memory:
        monkeypatch.delattr(os, "memfd_create", raising=False)
    server, client = throwaway_pair("10.40.0.2")
    assert names_of(server, client, "10.40.0.2")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ssl.SSLCertVerificationError):
        names_of(server, client, "127.0.0.1")


def names_of(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> object:
    """Shake hands in memory; return what the client learns of the server."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    here = client.wrap_bio(to_client, to_server, server_hostname=name)
    there = server.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(3):
        for end in (here, there):
            with contextlib.suppress(ssl.SSLWantReadError):
                end.do_handshake()
    return here.getpeercert()
