"""Stages of one direction of a flow, on a clock that the test moves."""

import math
import random

from hbprobe.middlebox.stages.pipe import Pipe, StagePlan
from hbprobe.middlebox.stages.table import STAGES


def plan(kind, name=None, seed=1, **attributes):
    stage = STAGES[kind]
    return StagePlan(name or kind, stage, stage.settings_type(**attributes), random.Random(seed))


def pipe_of(*plans):
    pipe = Pipe()
    pipe.change(plans, 0.0)
    return pipe


def run(pipe, until=math.inf, late=0.0):
    """Return what comes out, each with when it was due; the alarm rings so much too late."""
    out = []
    while (due := pipe.due()) < math.inf and due <= until:
        out += [(due, item) for item in pipe.pump(due + late)]
    return out
