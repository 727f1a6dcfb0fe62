"""Companies of the fleet model whose logs are written, so that what is read of them can be held against the truth."""

import math
from datetime import UTC, datetime

from hbprobe.eas.log_blob import Site
from hbprobe.eas.releases import Release
from hbprobe.exchange.devices import DEVICES
from hbprobe.exchange.settings import Settings
from hbprobe.fleet.logged import requests
from hbprobe.fleet.mail import MailDay
from hbprobe.fleet.paths import FleetPath, Span, fixed
from hbprobe.fleet.world import Habits, World, apportion
from hbprobe.manner import Manner
from hbprobe.profiles.silent_request import Cut
from hbprobe.standin.record_files import IisLog, WallClock

BEGIN = datetime(2030, 1, 2, tzinfo=UTC)
OFFICE = {"ios": 50, "android-4.4": 20, "android-4.1": 20, "windows-mobile": 10}


def path(name, limit_s=None, how=Manner.SILENT, spread_s=0.0, share=1.0):
    return FleetPath(name, share, fixed(Cut() if limit_s is None else Cut(limit_s, how, spread_s)))


def random_losses(name, share, how=Manner.SILENT, of="requests"):
    """Return an open path that loses a share of the requests that wait for half an hour, or of the visits, by chance.

    Among visits, each of those that are lost has a limit of its own; among requests, any moment is as bad as another.
    """
    if not share:
        return path(name)
    if of == "requests":
        return FleetPath(name, 1.0, fixed(Cut(1e-3, how, 1800.0 / share)))
    lost = Span(share, 60.0, 3600.0, Cut(60.0, how))
    return FleetPath(name, 1.0, (Span(1.0 - share, math.inf, math.inf, Cut()), lost))


def company(*paths, devices=80, mix=OFFICE, moves=6.0, seed=1, mails=40):
    counts = apportion(devices, tuple(float(mix.get(kind.id, 0)) for kind in DEVICES))
    stay_s = 86400 / moves if moves else math.inf
    return World(
        DEVICES,
        counts,
        paths,
        Cut(),
        Habits(MailDay(mails, (1.0,) * 24), stay_s, 0.5, 60.0, 3600.0),
        Settings(),
        seed=seed,
    )


def write_logs(folder, world, release=Release.V2010, days=0.3, keep=lambda _: True):
    """Write the logs of a company; return the records that they are of."""
    log = IisLog(folder, release, WallClock(BEGIN, 0.0), Site("192.0.2.10", "EX1"))
    records = [record for record in requests(world, days * 86400, steals=release >= Release.V2013) if keep(record)]
    told = [(record.ended_s, log.request_done, record) for record in records]
    if release >= Release.V2013:
        told += [(record.gone_s, log.client_gone, record) for record in records if record.gone_s is not None]
    for _, tell, record in sorted(told, key=lambda one: one[0]):
        tell(record)
    log.close()
    return records
