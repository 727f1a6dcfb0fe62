"""How right limits are that are read off logs: python tests/benchmarks/limits_from_logs.py [SEED [OPEN [CUT]]].

Companies that no threshold was tuned on: open ones with random losses, of which no limit may be named, and ones whose
paths are cut, of which nearly every limit must be named, in a bracket that holds the truth. A company is drawn from
the seed and its number alone, so that one that went wrong can be made again.
"""

import random
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.company import company, path, random_losses, write_logs

from hbprobe.eas.releases import Release
from hbprobe.evidence.logs.request import Logs
from hbprobe.manner import Manner

MANNERS = (Manner.SILENT, Manner.RESET, Manner.CLOSED)
CUT_PATHS = 4
"""In each company, with 18 devices or so on each."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A company, and what its networks are."""

    about: str
    limits_s: dict[str, float | None]
    found: dict[str, object]


def read(chance, paths, about):
    """Write the logs of a company on these paths, and read its limits."""
    world = company(
        *paths,
        devices=chance.randrange(60, 101),
        moves=chance.choice([0.0, 3.0, 6.0]),
        seed=chance.randrange(1 << 30),
        mails=chance.choice([20, 40, 80]),
    )
    release = chance.choice([Release.V2010, Release.V2019])
    with tempfile.TemporaryDirectory() as folder:
        write_logs(Path(folder), world, release, days=0.75)
        evidence = Logs([folder]).run()
    limits_s = {
        f"198.18.{number}.0/24": None if one.spans[0].cut.limit_s > 7200 else one.spans[0].cut.limit_s
        for number, one in enumerate(paths)
    }
    return Drawn(f"{release.name}, {about}", limits_s, {limit.key: limit for limit in evidence.limits})


def open_company(seed, number):
    """Draw a company of two open networks with 0 to 5 % random losses."""
    chance = random.Random(f"{seed} open {number}")
    share, kind, how = chance.uniform(0.0, 0.05), chance.choice(["visits", "requests"]), chance.choice(MANNERS)
    paths = [random_losses("a", share, how, of=kind), random_losses("b", share, how, of=kind)]
    return read(chance, paths, f"{share:.1%} of {kind} lost, {how}")


def cut_company(seed, number):
    """Draw a company whose networks all have a limit of their own."""
    chance = random.Random(f"{seed} cut {number}")
    drawn = [(chance.randrange(180, 1501), chance.choice(MANNERS)) for _ in range(CUT_PATHS)]
    paths = [path(f"p{place}", float(limit_s), how) for place, (limit_s, how) in enumerate(drawn)]
    return read(chance, paths, ", ".join(f"{limit_s} s {how}" for limit_s, how in drawn))


def is_right(limit, limit_s):
    """Say whether a bracket holds the truth."""
    return limit.survived <= limit_s <= limit.cut


def say(text):
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main():
    seed, opened, cut = (int(said) for said in (*sys.argv[1:], *("1", "200", "25")[len(sys.argv) - 1 :]))
    judged, false = Counter(), 0
    for number in range(opened):
        drawn = open_company(seed, number)
        judged.update(str(limit.judgement) for limit in drawn.found.values())
        wrong = {key: limit for key, limit in drawn.found.items() if limit.judgement == "limit"}
        false += bool(wrong)
        for key, limit in wrong.items():
            say(f"  open company {number}: {key} {limit.survived:g} to {limit.cut:g} s  ({drawn.about})")
        if any(limit.judgement == "several" for limit in drawn.found.values()):
            say(f"  open company {number}: several  ({drawn.about})")
    say(f"{opened} open companies: {false} with a limit named; networks: {dict(judged)}")
    named = right = paths = 0
    wide_s = []
    for number in range(cut):
        drawn = cut_company(seed, number)
        for key, limit_s in drawn.limits_s.items():
            limit = drawn.found[key]
            paths += 1
            if limit.judgement != "limit":
                say(f"  cut company {number}: {key} {limit.judgement} for {limit_s:g} s ({drawn.about})")
                continue
            named, right = named + 1, right + is_right(limit, limit_s)
            wide_s.append(limit.cut - limit.survived)
            if not is_right(limit, limit_s):
                bracket = f"{limit.survived:g} to {limit.cut:g} s"
                say(f"  cut company {number}: {key} {bracket} for {limit_s:g} s ({drawn.about})")
    if not wide_s:
        return
    wide_s.sort()
    say(
        f"{paths} cut paths: {named} named, {right} brackets right ({right / max(1, named):.1%}); "
        f"half of them are {wide_s[len(wide_s) // 2]:g} s wide or less, "
        f"nine in ten {wide_s[len(wide_s) * 9 // 10]:g} s"
    )


if __name__ == "__main__":
    main()
