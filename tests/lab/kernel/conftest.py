"""Kernel labs for tests, as root and as an ordinary user. Tests that build one live in this folder.

They ask for the fixture `namespaces`: `pytestmark = pytest.mark.usefixtures("namespaces")`. Where the machine permits
neither root nor user namespaces they are skipped; on CI they fail.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

import hbprobe
from hbprobe import warp
from hbprobe.errors import CannotMeasureError, UserError
from hbprobe.lab.kernel.path import kernel_path
from hbprobe.manner import Expiry
from hbprobe.profiles.catalogue import Catalogue

_NOBODY = 65534
_SETPRIV = shutil.which("setpriv") or "setpriv"
_WITHOUT_CAPABILITIES = [_SETPRIV, "--bounding-set=-all,+setfcap", "--inh-caps=-all"]
"""But for the one that root needs to be root in a user namespace, too (user_namespaces(7))."""
_AS_NOBODY = [_SETPRIV, f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups"]


@pytest.fixture(scope="session")
def namespaces():
    """Skip where no lab can be built."""
    try:
        with kernel_path([]):
            pass
    except (CannotMeasureError, UserError) as error:
        if os.environ.get("CI") == "true":
            pytest.fail(str(error))
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def unless_it_stood_still():
    """Return what runs something real as often as this machine stands still meanwhile, but not for ever.

    What is run raises CannotMeasureError where it cannot tell, which is a right answer, and no fault.
    """

    def run(work, times=3):
        for _ in range(times):
            with contextlib.suppress(CannotMeasureError):
                return warp.run(work(), warp.ScaledClock())
        pytest.skip(f"this machine stood still, {times} times")

    return run


@pytest.fixture(scope="session")
def box():
    """Return what makes a packet box that forgets after so many seconds."""
    example = Catalogue().find("ten-minute-provider")

    def make(idle_s, expiry="silent", **changes):
        idle = example.timers.idle.model_copy(update={"default": idle_s, "expiry": Expiry(expiry), **changes})
        return example.model_copy(update={"timers": example.timers.model_copy(update={"idle": idle})})

    return make


@pytest.fixture(scope="session", params=["as it is", "ordinary user"])
def python(request):
    """Return a command line that starts Python as this user, and as one without privileges."""
    if request.param == "as it is":
        return [sys.executable]
    if os.geteuid():
        pytest.skip("this user is an ordinary one already")
    return request.getfixturevalue("python_without_privileges")


@pytest.fixture(scope="session")
def python_without_privileges():
    """Return a command line that starts Python as an ordinary user, whoever this is.

    That is nobody; where nobody may read no Python of this version, it is root without capabilities, whom the kernel
    lets do no more.
    """
    if os.geteuid():
        return [sys.executable]
    packages = os.pathsep.join((str(Path(hbprobe.__file__).parents[1]), sysconfig.get_path("purelib")))
    for python in (Path(sys.executable).resolve(), f"/usr/bin/python3.{sys.version_info.minor}"):
        nobody = [*_AS_NOBODY, "env", f"PYTHONPATH={packages}", "PYTHONDONTWRITEBYTECODE=1", str(python)]
        again = [*nobody, "-c", "import hbprobe, aiohttp, subprocess, sys; subprocess.run([sys.executable, '-V'])"]
        if subprocess.run(again, capture_output=True, check=False).returncode == 0:
            return nobody
    return [*_WITHOUT_CAPABILITIES, sys.executable]
