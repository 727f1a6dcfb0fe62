"""One request of two lines: since 2013 a front end and a back end each log it, and neither names the other's line.

Both begin at the same moment, and may end at different ones: the front end's line ends early where the client's
connection is gone. Most times are whole seconds, and a device in a loop leaves many lines that look alike. So lines
are paired in the order in which they began, first those that are alike in all, then those that are left. The clocks
of the two servers may be apart: what both say of long requests tells by how much.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from hbprobe.evidence.logs.lines.rows import REQUESTS

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

ASTRAY_MS: Final = 60_000
"""So far may the two times at which a request began, by when it came in and by how long it took, lie apart."""
SIDES_APART_MS: Final = 7_200_000
"""So far may the lines of one request end apart: the front end's ends with the client's connection, the back end's
with the wait, which Exchange lets last for 59 minutes."""
_BEGUN_APART_MS: Final = 2500
"""So far may they begin apart, by clocks that agree: what is in whole seconds is half a second off."""
_LONG_MS: Final = 90_000
_TOOK_APART_MS: Final = 250
"""A front end needs some milliseconds more for a request that nobody ended early."""
_CLOCKS_APART_MS: Final = 31_000
"""Clocks that are further apart are not known: of requests that take three times as long the line of one side cannot
be next to the other side's line of another request."""
_LEAST_TIMES: Final = 10

_ADDRESSES: Final = ("client", "forwarded_for")
"""What a back end's line has of a front end, not of a client."""
_FROM_BACK_FIRST: Final = ("error", "mailbox_server")
_FROM_CLIENT_FIRST: Final = (
    "host", "protocol", "command_status", "heartbeat_s", "throttle_ms", "policy_ack", "access", "front_end",
    "sync_type", "folders",
)  # fmt: skip

SIDED: Final = f"""
SELECT *, role = 'back' AS is_back,
  coalesce(device, concat('of ', coalesce(user_name, ''), ' ', coalesce(user_agent, ''))) AS who,
  coalesce(command, '') AS asked,
  CASE WHEN is_exact AND abs(ended_ms - took_ms - started_ms) <= {ASTRAY_MS} THEN started_ms
    ELSE ended_ms - took_ms + 500 END AS begun_ms
FROM {{numbered}} AS numbered WHERE role IN ('{{role}}', 'back')
"""
"""`sided_lines`. What was under way when the clock was set has one beginning by the old clock, and one by the new:
that of the end counts. OPTIONS names no command and often no device: it is known by its user and agent."""
SIDES: Final = f"""
SELECT CASE WHEN is_back THEN before_server ELSE server END AS front,
  CASE WHEN is_back THEN server ELSE before_server END AS back,
  median(CASE WHEN is_back THEN begun_ms - before_ms ELSE before_ms - begun_ms END) AS ahead_ms, count(*) AS times
FROM (
  SELECT is_back, server, begun_ms, took_ms, lag(is_back) OVER in_order AS before_is_back,
    lag(server) OVER in_order AS before_server, lag(begun_ms) OVER in_order AS before_ms,
    lag(took_ms) OVER in_order AS before_took_ms
  FROM sided_lines WHERE begun_ms IS NOT NULL AND took_ms >= {_LONG_MS}
  WINDOW in_order AS (PARTITION BY who, asked ORDER BY begun_ms, took_ms, is_back, server, id)
) AS ordered
WHERE is_back <> before_is_back AND abs(took_ms - before_took_ms) <= {_TOOK_APART_MS}
  AND begun_ms - before_ms <= {_CLOCKS_APART_MS}
GROUP BY 1, 2
"""
"""How far the clock of each back end is ahead of that of each front end, by the long requests that both have."""
SIDE_CLOCKS: Final = "is_back BOOLEAN, server {text}, ahead_ms DOUBLE"
"""The columns of the table `side_clocks`."""

_PAIRED: Final = f"""
SELECT id, is_back, who, asked, status, begun_ms, took_ms, heartbeat_s, error, coalesce(other,
  CASE WHEN count(*) OVER alike = 2 AND (max(begun_ms) OVER alike) - (min(begun_ms) OVER alike) <= {_BEGUN_APART_MS}
  THEN (min(id) OVER alike) + (max(id) OVER alike) - id END) AS other
FROM (
  SELECT *, row_number() OVER (
    PARTITION BY other IS NULL, is_back, who, asked, {{alike}}
    ORDER BY begun_ms, took_ms, status NULLS LAST, heartbeat_s NULLS LAST, coalesce(error, ''), id) AS place
  FROM {{before}}
) AS placed
WINDOW alike AS (PARTITION BY other IS NULL, who, asked, {{alike}}, place)
"""
"""The nth of one side with the nth of the other, of those that are alike and in no pair yet."""


def _near(moment_ms: str) -> Sequence[str]:
    """Return the SQL for two numbers: moments no further apart than they may be are alike in one of them."""
    return [
        f"CAST(floor(({moment_ms} + {by_ms}) / {2.0 * _BEGUN_APART_MS}) AS BIGINT)" for by_ms in (0, _BEGUN_APART_MS)
    ]


_ENDED: Final = "begun_ms + took_ms"
_ALIKE: Final = (
    f"status, CAST(floor(({_ENDED}) / 1000.0) AS BIGINT)",
    *(f"status, {near}" for near in _near(_ENDED)),
    *(f"status, {near}" for near in _near("begun_ms")),
    *_near("begun_ms"),
)
"""What lines of one device and one command are alike in, one after the other: those that are left by one go on."""
_LATER: Final = [f"paired_{number}" for number, _ in enumerate(_ALIKE[1:], 2)]
_JOINED: Final = f"""
WITH on_one_clock AS (
  SELECT id, sided_lines.is_back, who, asked, status, begun_ms - coalesce(ahead_ms, 0) AS begun_ms, took_ms,
    heartbeat_s, error, CAST(NULL AS BIGINT) AS other
  FROM sided_lines LEFT JOIN side_clocks
    ON side_clocks.is_back = sided_lines.is_back AND side_clocks.server = sided_lines.server
  WHERE begun_ms IS NOT NULL
), paired_1 AS ({_PAIRED.format(before="on_one_clock", alike=_ALIKE[0])}
), left_1 AS (
  SELECT * FROM paired_1 WHERE other IS NULL
), {
    "".join(
        f"{name} AS ({_PAIRED.format(before=before, alike=alike)}), "
        for (before, name), alike in zip(pairwise(["left_1", *_LATER]), _ALIKE[1:], strict=True)
    )
}pairs AS (
  SELECT id AS client_id, other AS back_id FROM paired_1 WHERE other IS NOT NULL AND NOT is_back
  UNION ALL
  SELECT id AS client_id, other AS back_id FROM {_LATER[-1]} WHERE other IS NOT NULL AND NOT is_back
)
SELECT {{columns}}, back.server AS back_end, back.id IS NOT NULL AS is_joined, back.took_ms AS back_took_ms
FROM (SELECT * FROM sided_lines WHERE NOT is_back) AS client
LEFT JOIN pairs ON pairs.client_id = client.id LEFT JOIN sided_lines AS back ON back.id = pairs.back_id
UNION ALL
SELECT {{alone}}, back.server AS back_end, false AS is_joined, back.took_ms AS back_took_ms
FROM (SELECT * FROM sided_lines WHERE is_back) AS back LEFT JOIN pairs ON pairs.back_id = back.id
WHERE pairs.back_id IS NULL
"""
"""No order may hang on how rows come, which is by chance: the same logs must give the same answer."""
_ONE_SIDED: Final = """
SELECT {columns}, CAST(NULL AS STRING) AS back_end, false AS is_joined, CAST(NULL AS BIGINT) AS back_took_ms
FROM lines AS client WHERE role = '{role}'
UNION ALL
SELECT {alone}, server AS back_end, false AS is_joined, took_ms AS back_took_ms FROM lines AS back WHERE role = 'back'
"""
"""Where the log is of one of the two only, there is nothing to join, and no need to copy it."""


def requests_sql(role: str, columns: Iterable[str] = REQUESTS, joined_within: str | None = None) -> str:
    """Return the SQL that makes requests of `lines`, or of `sided_lines` and `side_clocks`, of a time then.

    `sided_lines` are of a time that is longer by `SIDES_APART_MS` on both sides. `columns` are what lines have.
    """
    of_client, alone = ({name: f"{side}.{name}" for name in columns} for side in ("client", "back"))
    alone |= {name: "CAST(NULL AS STRING)" for name in _ADDRESSES if name in alone}
    if joined_within is None:
        return _ONE_SIDED.format(role=role, columns=_listed(of_client), alone=_listed(alone))
    of_both = {name: f"coalesce(client.{name}, back.{name})" for name in _FROM_CLIENT_FIRST}
    of_both |= {name: f"coalesce(back.{name}, client.{name})" for name in _FROM_BACK_FIRST}
    of_both["started_ms"] = "coalesce(CASE WHEN back.is_exact THEN back.started_ms END, client.started_ms)"
    of_both |= {name: f"client.{name} OR coalesce(back.{name}, false)" for name in ("is_exact", "is_expired")}
    joined = {name: of_both.get(name, value) for name, value in of_client.items()}
    sql = _JOINED.format(columns=_listed(joined), alone=_listed(alone))
    return f"SELECT * FROM ({sql}) AS joined WHERE {joined_within}"


def _listed(columns: Mapping[str, str]) -> str:
    return ", ".join(f"{value} AS {name}" for name, value in columns.items())


def side_clocks(sides: Iterable[tuple[str, str, float, int]]) -> list[tuple[bool, str, float]]:
    """Return the rows of `side_clocks`, from those of `SIDES`: how far clocks are ahead of one of them.

    A front end and a back end on one server have one clock, and two rows. What is known best counts.
    """
    known = sorted((-times, front, back, ahead_ms) for front, back, ahead_ms, times in sides if times >= _LEAST_TIMES)
    clocks: dict[tuple[bool, str], float] = {}
    while known:
        side = next((side for side in known if (False, side[1]) in clocks or (True, side[2]) in clocks), known[0])
        known.remove(side)
        _, front, back, ahead_ms = side
        if (True, back) in clocks:
            clocks.setdefault((False, front), clocks[True, back] - ahead_ms)
        else:
            clocks[True, back] = clocks.setdefault((False, front), 0.0) + ahead_ms
    return [(is_back, server, ahead_ms) for (is_back, server), ahead_ms in clocks.items()]


def pair(
    connection: "DuckDBPyConnection", role: str, columns: Iterable[str], within: str, *, is_paired: bool
) -> None:
    """Make `all_requests` out of `lines`, or of `near_lines` where both sides are there; both have these columns."""
    if not is_paired:
        connection.execute(f"CREATE VIEW all_requests AS {requests_sql(role, columns)}")
        return
    numbered = "(SELECT *, row_number() OVER () AS id FROM near_lines)"
    connection.execute(f"CREATE TABLE sided_lines AS {SIDED.format(numbered=numbered, role=role)}")
    connection.execute(f"CREATE TABLE side_clocks ({SIDE_CLOCKS.format(text='VARCHAR')})")
    for row in side_clocks(connection.execute(SIDES).fetchall()):
        connection.execute("INSERT INTO side_clocks VALUES (?, ?, ?)", row)
    connection.execute(f"CREATE TABLE all_requests AS {requests_sql(role, columns, within)}")
    connection.execute("DROP TABLE sided_lines")
