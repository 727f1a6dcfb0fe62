"""Diagnoses every product of the catalogue in a lab, as shipped and with its timer changed, and counts who is named.

    python docs/product_shares.py [N]    takes every Nth product only; writes the table into docs/diagnose.md

All on the warp clock, in one process, without TCP keep-alives, which end at a simulated box.
"""

import re
import sys
from collections import Counter
from pathlib import Path

from hbprobe import warp
from hbprobe.diagnosis.prediction import Prediction, predictions
from hbprobe.diagnosis.ranking import Match, best
from hbprobe.exchange.settings import Settings
from hbprobe.lab.inprocess import diagnose
from hbprobe.measure.diagnosing import Diagnosing
from hbprobe.profiles.catalogue import Catalogue
from hbprobe.profiles.model import Category, Profile
from hbprobe.profiles.silent_request import deciding_timer, timer_s
from hbprobe.search.prior import prior_of
from hbprobe.search.search import SearchSettings

DOCUMENT = Path(__file__).parent / "diagnose.md"
ALL = Catalogue().all()
PRIOR = prior_of(ALL)
SEARCH = SearchSettings(2, 100_000, connections=8)
_CHANGES = (0.6, 1.7)
"""By so much is each timer changed, if its range allows."""
ALONE, EQUALS, WRONG, NOBODY = "named alone", "named among equals", "another is named", "nobody is named"


def products(every: int = 1) -> list[Profile]:
    """Return the products whose limit a lab can find."""
    cutting = [
        profile
        for profile in ALL
        if profile.category is not Category.EXAMPLE and 2 < (timer_s(profile) or 0) < SEARCH.max_s
    ]
    return cutting[::every]


def changed(profile: Profile, by: float) -> Profile | None:
    """Return the product with its deciding timer changed by a factor; None where it cannot be set to that."""
    timer = deciding_timer(profile)
    assert timer is not None
    value_s = float(round(timer.default * by))
    least_s, most_s = timer.min or 0.0, timer.max or float("inf")
    if not max(2.0, least_s) < value_s < min(SEARCH.max_s, most_s):
        return None
    kind = next(kind for kind, one in profile.each_timer() if one is timer)
    timers = profile.timers.model_copy(update={kind: timer.model_copy(update={"default": value_s})})
    copy = profile.model_copy(update={"timers": timers})
    return copy if deciding_timer(copy) is timers.get(kind) else None


def diagnosed(profile: Profile) -> Diagnosing:
    """Diagnose a lab with this one box."""
    return warp.run(diagnose([profile], Settings(), SEARCH, prior=PRIOR), warp.WarpClock())


def is_impossible(match: Match, cut_s: float) -> bool:
    """Return whether a product is named that cannot be set to the limit."""
    foretold = predictions(match.profile)
    return not (match.as_shipped or not foretold or any(_goes_to(one, cut_s) for one in foretold))


def _goes_to(foretold: Prediction, cut_s: float) -> bool:
    if foretold.settable_s is None:
        return True
    least_s, most_s = foretold.settable_s
    return least_s - 2 - 0.02 * cut_s <= cut_s <= most_s + 2 + 0.02 * cut_s


def verdict(profile: Profile, found: Diagnosing) -> tuple[str, int, int]:
    """Say who was named, how many were, and how many of them are impossible."""
    named = best(found.matches(ALL))
    cut_s = found.run.search.limit.cut_s or 0.0
    impossible = sum(is_impossible(match, cut_s) for match in named)
    if not named:
        return NOBODY, 0, 0
    families = {match.profile.built_on for match in named} - {""}
    if profile.id not in {match.profile.id for match in named} and profile.built_on not in families:
        return WRONG, len(named), impossible
    return (ALONE if len(named) == 1 else EQUALS), len(named), impossible


def table(every: int = 1) -> str:
    """Return the shares in Markdown."""
    rows = ["| timer | products | " + " | ".join((ALONE, EQUALS, WRONG, NOBODY)) + " | equals | impossible |"]
    rows.append("|---|---|---|---|---|---|---|---|")
    for name, factors in (("as shipped", (1.0,)), ("changed", _CHANGES)):
        counts: Counter[str] = Counter()
        sizes, impossible = [], 0
        for profile in products(every):
            for factor in factors:
                box = profile if factor == 1.0 else changed(profile, factor)
                if box is None:
                    continue
                who, size, cannot = verdict(profile, diagnosed(box))
                counts[who] += 1
                impossible += cannot
                if who is EQUALS:
                    sizes.append(size)
                elif who is not ALONE:
                    print(f"{name}: {profile.id} x {factor}: {who}", file=sys.stderr)  # noqa: T201
        tried = sum(counts.values())
        shares = (f"{counts[who] / tried:.0%}" for who in (ALONE, EQUALS, WRONG, NOBODY))
        middle = sorted(sizes)[len(sizes) // 2] if sizes else 0
        rows.append(f"| {name} | {tried} | {' | '.join(shares)} | {middle} | {impossible} |")
    return "\n".join(rows)


def main() -> None:
    """Write the table into the document."""
    every = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    text = table(every)
    print(text)  # noqa: T201
    if every == 1:
        pattern = r"(?<=<!-- shares -->\n).*(?=<!-- /shares -->)"
        DOCUMENT.write_text(re.sub(pattern, lambda _: f"\n{text}\n\n", DOCUMENT.read_text(), flags=re.DOTALL))


if __name__ == "__main__":
    main()
