"""From requests to silences: a line does not tell whether its answer arrived; the same device's next request does.

The rules, with what is known of devices (hbprobe.exchange.algorithms): one that got its answer asks again at once.
One that was told of a cut asks again before the server thinks that its request is over. One that heard nothing gives
up by its own clock, 5 to 35 s after its interval, and may pause for a minute. What fits none of these is counted, not
used. A status of which the client's connection was gone (Windows errors 64 and 995) was told to nobody: it is no
failure of the server. Where the next request went to another server, what their clocks are apart is reckoned with
(`clocks`), and where that cannot be told, only an answer can.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Self

import numpy as np
from numpy.typing import NDArray

from hbprobe.evidence.limits import Silences
from hbprobe.evidence.logs.clocks import AT_ONCE_S, BEFORE_S, NEAR_S, STEPS_IN_S, Apart, SetBack, clocks_apart
from hbprobe.evidence.logs.rows import REQUESTS

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from hbprobe.evidence.logs.sql_tables import Tables, Values

MARGIN_S: Final = (3.0, 130.0)
"""So long after its interval does a device that heard nothing ask again: margins of 5 to 35 s, and a pause of a
minute that follows some losses."""
_SHORTEST_S: Final = 5.0
_LONGEST_MS: Final = 86_400_000
"""No request is held for longer than a day."""
_ASTRAY_MS: Final = 60_000
"""So far may the two times at which a request began, by when it came in and by how long it took, lie apart."""
SIDES_APART_MS: Final = 7_200_000
"""So far may the lines of one request end apart: the front end's ends with the client's connection, the back end's
with the wait, which Exchange lets last for 59 minutes."""
_BEFORE_MS: Final = round(1000 * BEFORE_S)
_COARSE_S: Final = 1.0
"""Times in IIS's log are whole seconds."""

_ADDRESSES: Final = ("client", "forwarded_for")
"""What a back end's line has of a front end, not of a client."""
_FROM_BACK_FIRST: Final = ("error", "mailbox_server")
_FROM_CLIENT_FIRST: Final = (
    "host", "protocol", "command_status", "heartbeat_s", "throttle_ms", "policy_ack", "access", "front_end",
    "sync_type", "folders",
)  # fmt: skip
_JOINED: Final = """
WITH begun AS (
  SELECT *, coalesce(
    CASE WHEN abs(ended_ms - took_ms - started_ms) > {astray} THEN ended_ms - took_ms END, started_ms) AS begun_ms,
    coalesce(device, concat('of ', coalesce(user_name, ''), ' ', coalesce(user_agent, ''))) AS whose,
    coalesce(command, '') AS asked
  FROM {numbered} AS numbered
), placed AS (
  SELECT *, row_number() OVER (
    PARTITION BY role, whose, asked, begun_ms, ended_ms
    ORDER BY took_ms NULLS LAST, status NULLS LAST, heartbeat_s NULLS LAST, coalesce(error, ''), id) AS place
  FROM begun
), client AS (
  SELECT * FROM placed WHERE role = '{role}'
), back AS (
  SELECT * FROM placed WHERE role = 'back'
), near AS (
  SELECT back.*, CAST(floor(begun_ms / 3000) AS BIGINT) + step AS near
  FROM back CROSS JOIN (VALUES (-1), (0), (1)) AS steps(step)
), apart AS (
  SELECT client.id AS client_id, near.id AS back_id,
    abs(client.begun_ms - near.begun_ms) + least(abs(client.took_ms - near.took_ms), 3000) AS apart_ms,
    abs(client.took_ms - near.took_ms) AS took_apart_ms,
    client.begun_ms AS client_ms, client.ended_ms AS client_ended_ms, near.begun_ms AS back_ms,
    near.ended_ms AS back_ended_ms, coalesce(near.error, '') AS back_error, client.place AS client_place,
    near.place AS back_place, abs(client.place - near.place) AS places_apart
  FROM client JOIN near ON client.whose = near.whose AND client.asked = near.asked
    AND CAST(floor(client.begun_ms / 3000) AS BIGINT) = near.near
  WHERE abs(client.begun_ms - near.begun_ms) <= 2500
), pairs AS (
  SELECT client_id, back_id FROM (
    SELECT *,
      row_number() OVER (PARTITION BY client_id ORDER BY apart_ms, took_apart_ms, places_apart, back_ms,
        back_ended_ms, back_error, back_place) AS of_client,
      row_number() OVER (PARTITION BY back_id ORDER BY apart_ms, took_apart_ms, places_apart, client_ms,
        client_ended_ms, client_place) AS of_back
    FROM apart) AS ordered WHERE of_client = 1 AND of_back = 1
)
SELECT {columns}, back.server AS back_end, back.id IS NOT NULL AS is_joined, back.took_ms AS back_took_ms
FROM client LEFT JOIN pairs ON pairs.client_id = client.id LEFT JOIN back ON back.id = pairs.back_id
UNION ALL
SELECT {alone}, back.server AS back_end, false AS is_joined, back.took_ms AS back_took_ms
FROM back LEFT JOIN pairs ON pairs.back_id = back.id WHERE pairs.back_id IS NULL
"""
"""A request has a line of the front end and one of the back end since 2013; here it is one row. They begin at the
same moment, and may end at different ones: the front end's line ends early where the client's connection is gone.
OPTIONS names no command and often no device: it is known by its user and agent.
What was under way when the clock was set has one beginning by the old clock, and one by the new: that of the end
counts. No order may hang on how rows come, which is by chance: the same logs must give the same answer."""

_ONE_SIDED: Final = """
SELECT {columns}, CAST(NULL AS STRING) AS back_end, false AS is_joined, CAST(NULL AS BIGINT) AS back_took_ms
FROM lines AS client WHERE role = '{role}'
UNION ALL
SELECT {alone}, server AS back_end, false AS is_joined, took_ms AS back_took_ms FROM lines AS back WHERE role = 'back'
"""
"""Where the log is of one of the two only, there is nothing to join, and no need to copy it."""

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
      took_ms BETWEEN 0 AND {_LONGEST_MS} AND abs(ended_ms - took_ms - started_ms) <= {_ASTRAY_MS}, false)
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


def requests_sql(
    roles: Collection[str], role: str, numbered: str, columns: Iterable[str] = REQUESTS, within: str = "true"
) -> tuple[str, bool]:
    """Return the SQL that makes requests of `lines`, and whether it joins, so that its rows are worth keeping.

    `role` is that of lines about what clients asked, `roles` are those that there are. Joined are `numbered` lines,
    with an `id` each, of a time that is longer than `within` by `SIDES_APART_MS` on both sides. `columns` are
    what lines have.
    """
    of_client, alone = ({name: f"{side}.{name}" for name in columns} for side in ("client", "back"))
    alone |= {name: "CAST(NULL AS STRING)" for name in _ADDRESSES if name in alone}
    if not {role, "back"} <= set(roles):
        return _ONE_SIDED.format(role=role, columns=_listed(of_client), alone=_listed(alone)), False
    of_both = {name: f"coalesce(client.{name}, back.{name})" for name in _FROM_CLIENT_FIRST}
    of_both |= {name: f"coalesce(back.{name}, client.{name})" for name in _FROM_BACK_FIRST}
    of_both["started_ms"] = "coalesce(CASE WHEN back.is_exact THEN back.started_ms END, client.started_ms)"
    of_both |= {name: f"client.{name} OR coalesce(back.{name}, false)" for name in ("is_exact", "is_expired")}
    joined = {name: of_both.get(name, value) for name, value in of_client.items()}
    sql = _JOINED.format(
        role=role, numbered=numbered, astray=_ASTRAY_MS, columns=_listed(joined), alone=_listed(alone)
    )
    return f"SELECT * FROM ({sql}) AS joined WHERE {within}", True


def _listed(columns: Mapping[str, str]) -> str:
    return ", ".join(f"{value} AS {name}" for name, value in columns.items())


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


def join(
    connection: "DuckDBPyConnection", roles: Collection[str], role: str, columns: Iterable[str], within: str
) -> None:
    """Make `all_requests` out of `lines` and `near_lines`, which have these columns."""
    numbered = "(SELECT *, row_number() OVER () AS id FROM near_lines)"
    sql, is_joined = requests_sql(roles, role, numbered, columns, within)
    connection.execute(f"CREATE {'TABLE' if is_joined else 'VIEW'} all_requests AS {sql}")


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


def followed_of(tables: "Tables", columns: Iterable[str], at_once_s: float | None = None) -> Followed:
    """Return what is known of all silences, to be grouped by these columns.

    `at_once_s` is how soon a device asks again, where that is not to be what is usual.
    """
    values = {"coarse": _COARSE_S, "latest": MARGIN_S[1]} | ({} if at_once_s is None else margins(at_once_s))
    names = sorted({"who", *columns})
    found = tables.arrays(
        f"""
        SELECT {", ".join(names)},
          CASE kind_of WHEN 'told' THEN since_s + CASE WHEN is_precise THEN 0 ELSE $coarse END ELSE held_s END AS
          lasted_s,
          kind_of IN ('told', 'silent') AS is_cut, kind_of = 'told' AS is_exact, kind_of = 'unknown' AS is_unknown,
          kind_of = 'silent' AND held_s < asked_s - $latest AS is_surely_lost
        FROM {"all_silences" if at_once_s is None else f"({SILENCES}) AS silences"}
        WHERE kind_of IN ('answered', 'told', 'silent', 'unknown')
        """,
        values,
    )
    keys = {name: Named.of(found[name].tolist()) for name in names}
    silences = Silences(
        np.asarray(found["lasted_s"], np.float64),
        np.asarray(found["is_cut"], np.bool_),
        np.asarray(found["is_exact"], np.bool_),
        keys["who"].number,
    )
    unknown, sure = (np.asarray(found[name], np.bool_) for name in ("is_unknown", "is_surely_lost"))
    return Followed(silences, unknown, sure, keys)
