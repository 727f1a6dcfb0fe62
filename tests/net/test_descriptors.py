"""Open files: as many as this user may have."""

import resource

import pytest

from hbprobe.net.descriptors import raise_limit


@pytest.mark.parametrize(
    ("hard", "refused", "limit"),
    [(20_000, False, 20_000), (resource.RLIM_INFINITY, False, 10_240), (20_000, True, 256), (10, False, 10)],
)
def test_the_limit_is_raised_as_far_as_it_goes(monkeypatch, hard, refused, limit):
    limits = [(256, hard)]

    def setrlimit(_, wanted):
        if refused:
            raise ValueError("current limit exceeds maximum limit")
        limits.append(wanted)

    monkeypatch.setattr(resource, "getrlimit", lambda _: limits[-1])
    monkeypatch.setattr(resource, "setrlimit", setrlimit)
    assert raise_limit() == limit
