"""Measures the table of docs/which-timer.md, for 200 phones and for 20,000: `python docs/which_timer.py`.

It asks what `hbprobe size` asks, by the same request, for the timers of the table.
"""

import re
from pathlib import Path

from hbprobe.fleet.requests import Size
from hbprobe.fleet.size import AtTimer, Sizing
from hbprobe.report.terminal.size import best

DOCUMENT = Path(__file__).parent / "which-timer.md"
FIRST_S, LAST_S, STEP_S = 600, 2100, 300
FEW, MANY = 200, 20_000
HEAD = (
    "timer",
    f"event 1040, {FEW} phones",
    f"{MANY:,} phones",
    f"keep their push, {FEW} phones",
    f"{MANY:,} phones",
    f"firewall's entries, {FEW} phones",
    f"{MANY:,} phones",
)


def sized(devices: int, first_s: int = FIRST_S, last_s: int = LAST_S) -> Sizing:
    """Return what comes of so many phones with each timer."""
    return Size(devices=devices, shortest=first_s, longest=last_s, step=STEP_S).run()


def row(few: AtTimer, many: AtTimer) -> str:
    """Return the line of one timer."""
    cells = [f"{few.timer_s // 60} min", event(few), event(many)]
    for telling in ("{.well_share:.1%}", "{.table_entries:,.0f}"):
        cells += [telling.format(few), telling.format(many)]
    return line(cells)


def event(one: AtTimer) -> str:
    """Return how often event 1040 comes."""
    return f"**{one.events_per_day:.3g} a day**" if one.events_per_day else "no"


def line(cells: list[str] | tuple[str, ...]) -> str:
    """Return one line of a table."""
    return f"| {' | '.join(cells)} |"


def table(few: Sizing, many: Sizing) -> str:
    """Return the whole table."""
    rows = [row(*both) for both in zip(few.tried, many.tried, strict=True)]
    tickets = [f"{timer_s} s ({(timer_s or 0) // 60} min)" for timer_s in (best(few), best(many))]
    last = line(["`ticket`", *tickets, *[""] * (len(HEAD) - 3)])
    return "\n".join([line(HEAD), line(["---"] * len(HEAD)), *rows, last])


def main() -> None:
    """Measure, and write the table into the document."""
    made = table(sized(FEW), sized(MANY))
    document = DOCUMENT.read_text(encoding="utf-8")
    pattern = r"(?<=<!-- size -->\n\n).*(?=\n\n<!-- /size -->)"
    DOCUMENT.write_text(re.sub(pattern, lambda _: made, document, flags=re.DOTALL), encoding="utf-8")


if __name__ == "__main__":
    main()
