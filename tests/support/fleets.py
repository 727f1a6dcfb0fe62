import math

from hbprobe.exchange.devices import DEVICES
from hbprobe.exchange.settings import Settings
from hbprobe.fleet.mail import MailDay
from hbprobe.fleet.paths import FleetPath, fixed
from hbprobe.fleet.world import Costs, Habits, World
from hbprobe.profiles.silent_request import Cut

KINDS = {kind.id: kind for kind in DEVICES}


def world(kinds, count=40, cut=None, firewall=None, mails=0.0, stay_s=math.inf, waiting=0.0, seed=0, settings=None):
    return World(
        kinds=tuple(KINDS[kind] for kind in kinds),
        counts=(count,) * len(kinds),
        paths=(FleetPath("path", 1, fixed(cut or Cut())),),
        firewall=firewall or Cut(),
        habits=Habits(MailDay(mails, [1] * 24), stay_s, waiting, 60.0, 3600.0),
        settings=settings or Settings(),
        costs=Costs(600, 2000),
        seed=seed,
    )
