"""A stand-in that rounds heartbeats, as servers do that look only now and then whether one is over."""

import math
from dataclasses import replace

import pytest

from hbprobe.standin import command_handler
from hbprobe.standin.ping import AdmittedPing, judge_ping

ROUND = {"up": math.ceil, "down": math.floor, "to the nearest": round}


@pytest.fixture
def round_heartbeats(monkeypatch):
    """Give a function that makes every stand-in from now on round to multiples of a step; it is no Exchange then."""

    def make(how, step_s):
        def judge(*given):
            admitted = judge_ping(*given)
            if not isinstance(admitted, AdmittedPing):
                return admitted
            return replace(admitted, heartbeat_s=ROUND[how](admitted.heartbeat_s / step_s) * step_s or step_s)

        monkeypatch.setattr(command_handler, "judge_ping", judge)
        monkeypatch.setattr("hbprobe.eas.client._is_exchange", lambda _: False)

    return make
