"""Limits by group, of silences that are given as a table."""

import re

import numpy as np
import pytest

from hbprobe.evidence.logs.answer.group_limits import limits_by


class Table:
    """Silences as the tables of logs give them, without a database."""

    def __init__(self, rows, changed=None):
        self.rows, self.changed = rows, rows if changed is None else changed

    def arrays(self, sql, values=None):
        """Return the columns; `at_once` is asked for where margins are others."""
        rows = self.changed if "at_once" in (values or {}) else self.rows
        names = {
            "who": [row[0] for row in rows], "kind": [row[1] for row in rows], "network": [row[2] for row in rows],
            "server": ["EX1" for _ in rows],
        }  # fmt: skip
        lasted_s = np.array([row[3] for row in rows], np.float64)
        kinds = [row[4] for row in rows]
        numbers = {name: sorted(set(column)) for name, column in names.items()}
        return {name: np.array([numbers[name].index(one) for one in names[name]]) for name in names} | {
            "lasted_s": lasted_s,
            "is_cut": np.array([kind in ("told", "silent") for kind in kinds]),
            "is_exact": np.array([kind == "told" for kind in kinds]),
            "is_unknown": np.array([kind == "unknown" for kind in kinds]),
            "is_surely_lost": np.array(
                [kind == "silent" and row[5:] == ("surely",) for kind, row in zip(kinds, rows, strict=True)]
            ),
        }

    def each(self, sql):
        place = {"who": 0, "kind": 1, "network": 2}
        numbered = re.search(r"DISTINCT (\w+) AS", sql)
        column = numbered[1] if numbered else sql.split()[1].rstrip(",")
        longest = {}
        for row in self.rows:
            name = "EX1" if column == "server" else row[place[column]]
            longest[name] = max(longest.get(name, 0.0), row[3])
        return list(enumerate(sorted(longest)) if numbered else longest.items())


def silences(network, limit_s, *, devices=6, kinds=("iPhone", "Android"), lost="silent"):
    """Return ten rounds of devices that ask for 200 to 380 s; those that last as long as the limit are lost."""
    return [
        (f"{network} {one}", kinds[one % 2], network, float(asked_s), lost if asked_s >= limit_s else "answered")
        for one in range(devices)
        for asked_s in range(200, 400, 20)
    ]


ALL = [*silences("10.1.0.0/24", 300), *silences("10.2.0.0/24", 999, devices=5)]


@pytest.mark.parametrize(
    ("by", "told"),
    [
        ("network", {"10.1.0.0/24": ("limit", 280, 300), "10.2.0.0/24": ("none-seen", None, None)}),
        ("server", {"EX1": ("several", 280, 300)}),
    ],
)
def test_each_group_has_a_limit_of_its_own(by, told):
    table = Table(ALL)
    found, sensitive = limits_by(table, by)
    parts = {part.key: part for part, _ in found}
    assert {key: (one.judgement, one.survived, one.cut) for key, one in parts.items()} == told
    assert [part.devices for part, _ in found] == sorted((one.devices for one in parts.values()), reverse=True)
    assert sensitive == [] and all(one.longest_asked == 380 for one in parts.values())


def test_what_has_a_limit_comes_first_however_many_devices_others_have():
    """The table has room for a few, and a finding leads to it."""
    open_ones = [row for number in (2, 3, 4) for row in silences(f"10.{number}.0.0/24", 999, devices=9)]
    found, _ = limits_by(Table([*open_ones, *silences("10.9.0.0/24", 300)]), "network")
    assert [part.key for part, _ in found] == ["10.9.0.0/24", "10.2.0.0/24", "10.3.0.0/24", "10.4.0.0/24"]


@pytest.mark.parametrize(("others", "judgement"), [(5, "limit"), (999, "several")])
def test_what_one_kind_alone_shows_rests_on_it_and_may_be_its_own_doing(others, judgement):
    """Where others with a few long requests lose them, too, or carry them."""
    rows = silences("10.1.0.0/24", 300, devices=5, kinds=("iPhone", "iPhone"))
    rows += [("A", "Android", "10.1.0.0/24", 300.0 if others == 999 else 5.0, "answered")] * 5
    ((part, _),), _ = limits_by(Table(rows), "network")
    assert (part.judgement, part.rests_on, part.holds_without) == (judgement, ("iPhone",), ("Android",))
    assert part.own_doing == ("iPhone",)
    sure = [(*row, "surely") if row[4] == "silent" else row for row in rows]
    ((part, _),), _ = limits_by(Table(sure), "network")
    assert part.own_doing == ()


@pytest.mark.parametrize(
    ("kinds", "lost", "judgement", "own"),
    [
        (("iPhone", "Android"), "silent", "limit", ()),
        (("iPhone", "iPhone"), "silent", "limit", ("iPhone",)),
        (("iPhone", "iPhone"), "told", "several", ()),
    ],
)
def test_what_several_kinds_show_or_are_told_of_is_not_the_doing_of_one(kinds, lost, judgement, own):
    ((part, _),), _ = limits_by(Table(silences("10.1.0.0/24", 300, kinds=kinds, lost=lost)), "network")
    assert (part.judgement, part.own_doing) == (judgement, own)


def test_what_is_judged_otherwise_with_other_margins_is_named():
    changed = [(*row[:4], "answered") if row[4] == "silent" and row[2] == "10.1.0.0/24" else row for row in ALL]
    assert limits_by(Table(ALL, changed), "network")[1] == ["10.1.0.0/24"]


def test_where_only_the_unknown_ones_decide_nothing_is_told():
    rows = [(*row[:4], "unknown" if row[4] == "silent" else row[4]) for row in silences("10.1.0.0/24", 300)]
    ((part, _),), _ = limits_by(Table(rows), "network")
    assert (part.judgement, part.if_unknown_lost.judgement) == ("too-little", "limit")
    assert part.if_unknown_answered.judgement == "none-seen"
