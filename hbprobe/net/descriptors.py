"""How many files this process may have open: each connection is one."""

import contextlib

_OPEN_MAX = 10_240
"""What macOS grants where it names no limit (sys/syslimits.h)."""
_WINDOWS_SELECT = 512
"""Windows has no such limit, but select() there takes so many sockets."""


def raise_limit() -> int:
    """Allow this process as many open files as this user may have, and return how many those are."""
    try:
        import resource
    except ImportError:
        return _WINDOWS_SELECT
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_MAX if hard == resource.RLIM_INFINITY else hard
    with contextlib.suppress(ValueError, OSError):  # then it stays as it is
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
