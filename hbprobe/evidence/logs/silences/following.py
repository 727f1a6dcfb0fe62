"""From requests to silences: a line does not tell whether its answer arrived; the same device's next request does.

The rules, with what is known of devices (hbprobe.exchange.algorithms): one that got its answer asks again at once.
One that was told of a cut asks again before the server thinks that its request is over. One that heard nothing gives
up by its own clock, 5 to 35 s after its interval, and may pause for a minute. What fits none of these is counted, not
used. A status of which the client's connection was gone (Windows errors 64 and 995) was told to nobody: it is no
failure of the server. Where the next request went to another server, what their clocks are apart is reckoned with
(`clocks`), and where that cannot be told, only an answer can.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Self

import numpy as np
from numpy.typing import NDArray

from hbprobe.evidence.limits import Silences
from hbprobe.evidence.logs.lines.clocks import AT_ONCE_S, BEFORE_S, NEAR_S, STEPS_IN_S, Apart, SetBack, clocks_apart
from hbprobe.evidence.logs.silences.pairing import ASTRAY_MS

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from hbprobe.evidence.logs.lines.sql_tables import Tables, Values

MARGIN_S: Final = (3.0, 130.0)
"""So long after its interval does a device that heard nothing ask again: margins of 5 to 35 s, and a pause of a
minute that follows some losses."""
_SHORTEST_S: Final = 5.0
_LONGEST_MS: Final = 86_400_000
"""No request is held for longer than a day."""
_BEFORE_MS: Final = round(1000 * BEFORE_S)
_COARSE_S: Final = 1.0
"""Times in IIS's log are whole seconds."""

_WAITS: Final = f"""
WITH fronts AS (
  SELECT DISTINCT coalesce(device, '') AS device FROM all_requests WHERE role <> 'back'
), asked AS (
  SELECT coalesce(device, user_name || ' ' || coalesce(user_agent, '')) AS who,
    coalesce(forwarded_for, client) AS address, coalesce(device_type, '-') AS kind,
    coalesce(back_end, server) AS server, CASE WHEN is_joined AND is_exact THEN back_end ELSE server END AS clock,
    user_agent, command, is_exact, status, command_status, ended_ms, took_ms, is_sound,
    CASE WHEN is_sound THEN started_ms ELSE ended_ms - {_BEFORE_MS} END AS started_ms,
    coalesce(error LIKE '%PingCollision%', false) AS has_collided,
    coalesce(error LIKE '%NMStolen%', false) AS is_stolen,
    coalesce(back_took_ms > took_ms + 2000, false) OR (coalesce(win32, 0) IN (64, 121, 995, 1229, 1236)
      AND NOT is_expired AND coalesce(command_status, 1) = 1
      AND CASE WHEN heartbeat_s IS NULL THEN took_ms % 1000 >= 200 ELSE took_ms < heartbeat_s * 1000 - 1000 END)
      AS is_early,
    coalesce(win32, 0) IN (64, 995) AS is_gone,
    coalesce(heartbeat_s, CASE WHEN role <> 'back' AND NOT is_joined AND command = 'Ping'
      AND coalesce(status, 200) < 400 AND coalesce(win32, 0) NOT IN (64, 995)
      AND took_ms >= 60000 AND took_ms % 1000 < 100
      THEN CAST(floor(took_ms / 1000) AS BIGINT) END) AS asked_s,
    heartbeat_s IS NOT NULL AS is_told,
    coalesce({{is_asked_for}}, false) AS is_asked_for
  FROM (
    SELECT *, coalesce(
      took_ms BETWEEN 0 AND {_LONGEST_MS} AND abs(ended_ms - took_ms - started_ms) <= {ASTRAY_MS}, false)
      AND NOT coalesce({{is_there_twice}}, false) AS is_sound
    FROM all_requests) AS judged
  WHERE NOT (role = 'back' AND coalesce(device, '') IN (SELECT device FROM fronts))
    AND coalesce(started_ms, ended_ms) IS NOT NULL AND coalesce(status, 0) <> 401
    AND coalesce(user_name, '') NOT LIKE 'healthmailbox%'
    AND coalesce(device_type, '') NOT LIKE 'TestActiveSyncConnectivity%' AND coalesce(device_type, '') NOT LIKE
    'EASProbe%'
), placed AS (
  SELECT asked.*, coalesce(networks.network, '-') AS network
  FROM asked LEFT JOIN networks ON networks.address = asked.address
), followed AS (
  SELECT who, kind, server, clock, network, command, started_ms, took_ms, is_sound, is_exact, status,
    command_status, user_agent, has_collided, is_stolen, is_early, is_gone, asked_s, is_told,
    is_asked_for, lead(started_ms) OVER device_order AS next_ms, lead(network) OVER device_order AS next_network,
    lead(clock) OVER device_order AS next_clock, lead(is_sound) OVER device_order AS next_sound,
    lead(has_collided) OVER device_order AS next_collided, lead(is_exact) OVER device_order AS next_exact,
    lead(user_agent) OVER device_order AS next_agent
  FROM placed WHERE who IS NOT NULL
  WINDOW device_order AS (PARTITION BY who ORDER BY started_ms, ended_ms NULLS LAST, command, status, network, server)
)
SELECT who, kind, server, clock, next_clock, network, started_ms, status, command_status, is_early, is_gone, asked_s,
  is_told, is_asked_for, has_collided OR is_stolen OR coalesce(next_collided, false) AS is_replaced,
  next_ms IS NULL OR user_agent <> next_agent OR NOT is_sound OR NOT next_sound AS is_not_followed,
  is_exact AND next_exact AND clock = next_clock AS is_precise, has_collided,
  (next_ms - started_ms - took_ms) / 1000.0 AS gap_s, (next_ms - started_ms) / 1000.0 AS since_s,
  took_ms / 1000.0 AS held_s, next_network = network AS is_same
FROM followed WHERE command = 'Ping' OR (command = 'Sync' AND asked_s IS NOT NULL)
"""
"""Each request that waits, with what the same device did next. `clock` is whose clock its beginning is of, and so
its end: what it took is told by no clock. What cannot have been, such as a request that was held for years, or
of which it is not known how long it was held, stands in the order of devices just before its end, and nothing is read
off it or off the request before. Nor is it where a clock was set back, and the same time is there twice."""

CLOCK_GAPS: Final = f"""
SELECT clock, next_clock, CAST(floor(gap_s * {STEPS_IN_S}) AS BIGINT) AS step, count(*) AS times
FROM waits
WHERE clock <> next_clock AND gap_s BETWEEN -{NEAR_S} AND {NEAR_S} AND NOT coalesce(is_not_followed, false)
GROUP BY clock, next_clock, CAST(floor(gap_s * {STEPS_IN_S}) AS BIGINT)
"""
"""What `clocks_apart` goes by."""

SILENCES: Final = """
WITH timed AS (
  SELECT who, network, kind, server, status, command_status, is_early, is_gone, asked_s, is_told, is_asked_for,
    is_replaced, is_not_followed, is_precise, has_collided, is_same, started_ms, held_s,
    gap_s - coalesce(ahead_s, 0) AS gap_s, since_s - coalesce(ahead_s, 0) AS since_s,
    clock = next_clock OR ahead_s IS NOT NULL AS is_timed
  FROM waits LEFT JOIN clocks ON clocks.ended_by = waits.clock AND clocks.begun_by = waits.next_clock
)
SELECT who, network, kind, server, started_ms, command_status, asked_s, is_told, is_asked_for, held_s, since_s,
  is_precise, is_timed, is_gone,
  CASE
    WHEN (status >= 500 OR status = 0) AND NOT is_gone THEN 'failed'
    WHEN status >= 400 AND NOT is_gone THEN 'refused'
    WHEN command_status IS NOT NULL AND command_status NOT IN (1, 2) AND NOT has_collided THEN 'refused'
    WHEN is_not_followed OR (is_replaced AND gap_s > $at_once) THEN 'unknown'
    WHEN NOT (is_timed OR gap_s BETWEEN -$before AND $at_once) THEN 'unknown'
    WHEN since_s > $shortest AND (gap_s < -$before OR is_early OR is_replaced)
      THEN CASE WHEN is_same THEN 'told' ELSE 'moved' END
    WHEN gap_s BETWEEN -$before AND $at_once
      THEN CASE WHEN is_gone OR (command_status IS NULL AND asked_s IS NULL) THEN 'unknown'
                WHEN is_same OR command_status IS NOT NULL THEN 'answered' ELSE 'moved' END
    WHEN since_s BETWEEN asked_s + $least AND asked_s + $most THEN CASE WHEN is_same THEN 'silent' ELSE 'moved' END
    ELSE 'unknown'
  END AS kind_of
FROM timed
"""
SILENCES_ASKED_FOR: Final = "SELECT * FROM all_silences WHERE is_asked_for"
"""What reports are to see."""


def waits_sql(set_back: Iterable[SetBack], narrow: str, narrowed_by: "Values") -> tuple[str, dict[str, float | str]]:
    """Return the SQL of `waits`, and its values: what was under way in a time that is there twice is not sound.

    `narrow` is what reports are to see, as SQL with its values.
    """
    values = dict(narrowed_by)
    there_twice = list[str]()
    for number, (server, from_s, to_s) in enumerate(_united(set_back)):
        values[f"set_back_{number}"] = server
        there_twice.append(
            f"(ended_ms >= {to_s * 1000} AND least(started_ms, ended_ms - took_ms) <= {from_s * 1000 + 999} "
            f"AND $set_back_{number} IN (server, back_end))"
        )
    return _WAITS.format(is_there_twice=" OR ".join(there_twice) or "false", is_asked_for=narrow), values


def _united(set_back: Iterable[SetBack]) -> list[tuple[str, int, int]]:
    """Return the times that are there twice, by server: front and back end of one server tell of the same."""
    found = list[tuple[str, int, int]]()
    for one in sorted(set_back, key=lambda one: (one.server, one.to_s)):
        server, from_s, to_s = found[-1] if found else ("", 0, 0)
        if found and server == one.server and one.to_s <= from_s:
            found[-1] = (server, max(from_s, one.from_s), to_s)
        else:
            found.append((one.server, one.from_s, one.to_s))
    return found


def name_networks(connection: "DuckDBPyConnection", rows: Sequence[tuple[str, str | None]]) -> None:
    """Make the table `networks`, of address and network."""
    connection.execute("CREATE TABLE networks (address VARCHAR, network VARCHAR)")
    for at in range(0, len(rows), 1000):
        batch = [value for row in rows[at : at + 1000] for value in row]
        connection.execute(f"INSERT INTO networks VALUES {', '.join(['(?, ?)'] * (len(batch) // 2))}", batch)


def follow(
    connection: "DuckDBPyConnection", set_back: Iterable[SetBack], narrow: str, narrowed_by: "Values"
) -> tuple[Apart, ...]:
    """Make the tables `waits`, `clocks`, `all_silences` and `silences` out of `all_requests` and `networks`.

    `set_back` is where the clocks of logs were, `narrow` what reports are to see. Returns how far clocks are apart.
    """
    sql, values = waits_sql(set_back, narrow, narrowed_by)
    connection.execute(f"CREATE TABLE waits AS {sql}", values or None)
    pairs = clocks_apart(connection.execute(CLOCK_GAPS).fetchall())
    connection.execute("CREATE TABLE clocks (ended_by VARCHAR, begun_by VARCHAR, ahead_s DOUBLE)")
    for row in both_ways(pairs):
        connection.execute("INSERT INTO clocks VALUES (?, ?, ?)", row)
    connection.execute(f"CREATE TABLE all_silences AS {SILENCES}", margins())
    connection.execute(f"CREATE VIEW silences AS {SILENCES_ASKED_FOR}")
    return pairs


def both_ways(pairs: Iterable[Apart]) -> list[tuple[str, str, float]]:
    """Return the rows of the table `clocks`: from which server to which, and by how much a gap is too long."""
    known = [(pair.one, pair.other, pair.ahead_s) for pair in pairs if pair.ahead_s is not None]
    return known + [(other, one, -ahead_s) for one, other, ahead_s in known]


def margins(at_once_s: float = AT_ONCE_S) -> dict[str, float]:
    """Return what `SILENCES` asks for, where a device asks again so soon after an answer."""
    least_s, most_s = MARGIN_S
    return {
        "shortest": _SHORTEST_S, "before": BEFORE_S, "at_once": at_once_s, "least": max(least_s, at_once_s),
        "most": most_s,
    }  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Named:
    """A column of names: each name once, and for each row its number."""

    names: tuple[str, ...]
    number: NDArray[np.int64]

    @classmethod
    def of(cls, column: Sequence[str]) -> Self:
        """Number them."""
        numbers: dict[str, int] = {}
        number = np.array([numbers.setdefault(name, len(numbers)) for name in column], np.int64)
        return cls(tuple(numbers), number)


@dataclass(frozen=True, slots=True, eq=False)
class Followed:
    """Silences as columns, and what they can be grouped by."""

    silences: Silences
    """Those of which nothing is known stand among them, as answered."""
    is_unknown: NDArray[np.bool_]
    is_surely_lost: NDArray[np.bool_]
    """Lost in silence, and answered so long before the interval was over that a device which asks late, asleep or
    gathering requests, would not look so."""
    keys: Mapping[str, Named]

    def chosen(self, which: NDArray[np.bool_], unknown: str | None = None) -> Silences:
        """Return some of them.

        Those of which nothing is known are left out, or taken as `lost` or as `answered`: between these lies the
        truth.
        """
        if unknown is None:
            return self.silences.chosen(which & ~self.is_unknown)
        which = which & (~self.is_unknown | (self.silences.lasted_s > 0))
        found = self.silences.chosen(which)
        return replace(found, is_cut=found.is_cut | self.is_unknown[which]) if unknown == "lost" else found

    def counts(self, column: str) -> dict[str, int]:
        """Return how many silences there are of which something is known, by name."""
        named = self.keys[column]
        counts = np.bincount(named.number[~self.is_unknown], minlength=len(named.names))
        return {name: count for name, count in zip(named.names, counts.tolist(), strict=True) if count}


def _numbered(column: str) -> str:
    """Return the SQL that numbers the names in a column of silences: a number takes a tenth of a name's room."""
    name = f"{column}_named"
    names = f"SELECT DISTINCT {column} AS {name} FROM all_silences"
    return f"SELECT row_number() OVER (ORDER BY {name} NULLS LAST) - 1 AS number, {name} FROM ({names}) AS one"


def followed_of(tables: "Tables", columns: Iterable[str], at_once_s: float | None = None) -> Followed:
    """Return what is known of all silences, to be grouped by these columns.

    `at_once_s` is how soon a device asks again, where that is not to be what is usual.
    """
    values = {"coarse": _COARSE_S, "latest": MARGIN_S[1]} | ({} if at_once_s is None else margins(at_once_s))
    names = sorted({"who", *columns})
    listed = {name: tuple(one for _, one in tables.each(f"{_numbered(name)} ORDER BY number")) for name in names}
    joins = " ".join(
        f"JOIN ({_numbered(name)}) AS of_{name} ON {name} IS NOT DISTINCT FROM {name}_named" for name in names
    )
    found = tables.arrays(
        f"""
        SELECT {", ".join(f"of_{name}.number AS {name}" for name in names)},
          CASE kind_of WHEN 'told' THEN since_s + CASE WHEN is_precise THEN 0 ELSE $coarse END ELSE held_s END AS
          lasted_s,
          kind_of IN ('told', 'silent') AS is_cut, kind_of = 'told' AS is_exact, kind_of = 'unknown' AS is_unknown,
          kind_of = 'silent' AND held_s < asked_s - $latest AS is_surely_lost
        FROM {"all_silences" if at_once_s is None else f"({SILENCES}) AS silences"}
        {joins} WHERE kind_of IN ('answered', 'told', 'silent', 'unknown')
        """,
        values,
    )
    keys = {name: Named(listed[name], np.asarray(found[name], np.int64)) for name in names}
    silences = Silences(
        np.asarray(found["lasted_s"], np.float64),
        np.asarray(found["is_cut"], np.bool_),
        np.asarray(found["is_exact"], np.bool_),
        keys["who"].number,
    )
    unknown, sure = (np.asarray(found[name], np.bool_) for name in ("is_unknown", "is_surely_lost"))
    return Followed(silences, unknown, sure, keys)
