"""From requests to silences: a line does not tell whether its answer arrived; the same device's next request does.

The rules, with what is known of devices (hbprobe.exchange.algorithms): one that got its answer asks again at once.
One
that was told of a cut asks again before the server thinks that its request is over. One that heard nothing gives up
by
its own clock, 5 to 35 s after its interval, and may pause for a minute. What fits none of these is counted, not used.
A status of which the client's connection was gone (Windows errors 64 and 995) was told to nobody: it is no failure of
the server.
"""

from typing import TYPE_CHECKING, Final

import numpy as np

from hbprobe.evidence.limits import Silences

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

AT_ONCE_S: Final = 2.5
"""So soon after its answer does a device ask again."""
MARGIN_S: Final = (3.0, 130.0)
"""So long after its interval does a device that heard nothing ask again: margins of 5 to 35 s, and a pause of a
minute
that follows some losses."""
_BEFORE_S: Final = 1.5
_SHORTEST_S: Final = 5.0
_COARSE_S: Final = 1.0
"""Times in IIS's log are whole seconds."""

_JOINED: Final = """
CREATE TEMP TABLE all_requests AS
WITH client AS (SELECT *, row_number() OVER () AS id FROM lines WHERE role = $client),
back AS (
  SELECT *, row_number() OVER () AS id FROM lines WHERE role = 'back'
), apart AS (
  SELECT client.id AS client_id, back.id AS back_id,
    abs(client.started_ms - back.started_ms) + least(abs(client.took_ms - back.took_ms), 3000) AS apart_ms,
    abs(client.took_ms - back.took_ms) AS took_apart_ms,
    client.started_ms AS client_ms, client.ended_ms AS client_ended_ms, back.started_ms AS back_ms,
    back.ended_ms AS back_ended_ms, coalesce(back.error, '') AS back_error
  FROM client JOIN (SELECT *, unnest([started_ms // 3000 - 1, started_ms // 3000, started_ms // 3000 + 1]) AS near
                    FROM back) AS back
    ON client.device = back.device AND client.command = back.command AND client.started_ms // 3000 = back.near
  WHERE abs(client.started_ms - back.started_ms) <= 2500
), pairs AS (
  SELECT client_id, back_id FROM (
    SELECT *,
      row_number() OVER (PARTITION BY client_id ORDER BY apart_ms, took_apart_ms, back_ms, back_ended_ms, back_error)
        AS of_client,
      row_number() OVER (PARTITION BY back_id ORDER BY apart_ms, took_apart_ms, client_ms, client_ended_ms) AS of_back
    FROM apart) WHERE of_client = 1 AND of_back = 1
)
SELECT client.* EXCLUDE (id) REPLACE (
    coalesce(CASE WHEN back.is_exact THEN back.started_ms END, client.started_ms) AS started_ms,
    client.is_exact OR coalesce(back.is_exact, false) AS is_exact,
    coalesce(client.host, back.host) AS host, coalesce(client.protocol, back.protocol) AS protocol,
    coalesce(client.command_status, back.command_status) AS command_status,
    coalesce(client.heartbeat_s, back.heartbeat_s) AS heartbeat_s,
    client.is_expired OR coalesce(back.is_expired, false) AS is_expired,
    coalesce(client.fet_ms, back.fet_ms) AS fet_ms, coalesce(client.throttle_ms, back.throttle_ms) AS throttle_ms,
    coalesce(client.policy_ack, back.policy_ack) AS policy_ack, coalesce(back.error, client.error) AS error,
    coalesce(client.access, back.access) AS access,
    coalesce(back.mailbox_server, client.mailbox_server) AS mailbox_server,
    coalesce(client.front_end, back.front_end) AS front_end,
    coalesce(client.sync_type, back.sync_type) AS sync_type, coalesce(client.folders, back.folders) AS folders),
  back.server AS back_end, back.id IS NOT NULL AS is_joined, back.took_ms AS back_took_ms
FROM client LEFT JOIN pairs ON pairs.client_id = client.id LEFT JOIN back ON back.id = pairs.back_id
UNION ALL
SELECT back.* EXCLUDE (id) REPLACE (
    CAST(NULL AS VARCHAR) AS client, CAST(NULL AS VARCHAR) AS forwarded_for),
  back.server AS back_end, false AS is_joined, took_ms AS back_took_ms
FROM back WHERE id NOT IN (SELECT back_id FROM pairs)
"""
"""A request has a line of the front end and one of the back end since 2013; here it is one row. They begin at the
same
moment, and may end at different ones: the front end's line ends early where the client's connection is gone. No order
may hang on how rows come, which is by chance: the same logs must give the same answer."""

_ONE_SIDED: Final = """
CREATE TEMP VIEW all_requests AS
SELECT *, CAST(NULL AS VARCHAR) AS back_end, false AS is_joined, CAST(NULL AS BIGINT) AS back_took_ms
FROM lines WHERE role = '{client}'
UNION ALL
SELECT * REPLACE (CAST(NULL AS VARCHAR) AS client, CAST(NULL AS VARCHAR) AS forwarded_for),
  server AS back_end, false AS is_joined, took_ms AS back_took_ms
FROM lines WHERE role = 'back'
"""
"""Where the log is of one of the two only, there is nothing to join, and no need to copy it."""

_WAITS: Final = """
CREATE TEMP TABLE waits AS
WITH fronts AS (
  SELECT DISTINCT coalesce(device, '') AS device FROM all_requests WHERE role <> 'back'
), asked AS (
  SELECT coalesce(device, user_name || ' ' || coalesce(user_agent, '')) AS who,
    coalesce(forwarded_for, client) AS address, coalesce(device_type, '-') AS kind,
    coalesce(back_end, server) AS server,
    user_agent, command, started_ms, ended_ms, took_ms, is_exact, status, command_status, error,
    coalesce(back_took_ms > took_ms + 2000, false) OR (coalesce(win32, 0) IN (64, 121, 995, 1229, 1236)
      AND NOT is_expired AND coalesce(command_status, 1) = 1
      AND CASE WHEN heartbeat_s IS NULL THEN took_ms % 1000 >= 200 ELSE took_ms < heartbeat_s * 1000 - 1000 END)
      AS is_early,
    coalesce(win32, 0) IN (64, 995) AS is_gone,
    coalesce(heartbeat_s, CASE WHEN role <> 'back' AND NOT is_joined AND command = 'Ping' AND took_ms >= 60000
      AND took_ms % 1000 < 100 THEN took_ms // 1000 END) AS asked_s,
    heartbeat_s IS NOT NULL AS is_told
  FROM all_requests
  WHERE NOT (role = 'back' AND coalesce(device, '') IN (SELECT device FROM fronts))
    AND started_ms IS NOT NULL AND coalesce(status, 0) <> 401
    AND coalesce(user_name, '') NOT LIKE 'healthmailbox%'
    AND coalesce(device_type, '') NOT LIKE 'TestActiveSyncConnectivity%' AND coalesce(device_type, '') NOT LIKE
    'EASProbe%'
), placed AS (
  SELECT asked.*, coalesce(networks.network, '-') AS network
  FROM asked LEFT JOIN networks ON networks.address = asked.address
), followed AS (
  SELECT *, lead(started_ms) OVER device_order AS next_ms, lead(network) OVER device_order AS next_network,
    lead(error) OVER device_order AS next_error, lead(is_exact) OVER device_order AS next_exact,
    lead(user_agent) OVER device_order AS next_agent
  FROM placed WHERE who IS NOT NULL
  WINDOW device_order AS (PARTITION BY who ORDER BY started_ms, ended_ms NULLS LAST, command, status, network, server)
)
SELECT *, (next_ms - ended_ms) / 1000.0 AS gap_s, (next_ms - started_ms) / 1000.0 AS since_s,
  took_ms / 1000.0 AS held_s, next_network = network AS is_same
FROM followed WHERE command = 'Ping' OR (command = 'Sync' AND asked_s IS NOT NULL)
"""
"""Each request that waits, with what the same device did next."""

_SILENCES: Final = """
SELECT who, network, kind, server, started_ms, asked_s, is_told, held_s, since_s, is_exact AND next_exact AS
is_precise,
  CASE
    WHEN (status >= 500 OR status = 0) AND NOT is_gone THEN 'failed'
    WHEN status >= 400 AND NOT is_gone THEN 'refused'
    WHEN command_status IS NOT NULL AND command_status NOT IN (1, 2)
      AND coalesce(error, '') NOT LIKE '%PingCollision%' THEN 'refused'
    WHEN next_ms IS NULL THEN 'unknown'
    WHEN user_agent <> next_agent THEN 'unknown'
    WHEN since_s > $shortest AND (gap_s < -$before OR is_early OR coalesce(error, '') LIKE '%NMStolen%'
      OR coalesce(error, '') LIKE '%PingCollision%' OR coalesce(next_error, '') LIKE '%PingCollision%')
      THEN CASE WHEN is_same THEN 'told' ELSE 'moved' END
    WHEN gap_s BETWEEN -$before AND $at_once
      THEN CASE WHEN command_status IS NULL AND asked_s IS NULL THEN 'unknown'
                WHEN is_same OR command_status IS NOT NULL THEN 'answered' ELSE 'moved' END
    WHEN since_s BETWEEN asked_s + $least AND asked_s + $most THEN CASE WHEN is_same THEN 'silent' ELSE 'moved' END
    ELSE 'unknown'
  END AS kind_of
FROM waits
"""


def join(connection: "DuckDBPyConnection", client: str) -> None:
    """Make `all_requests` out of `lines`; `client` is the role of those that clients asked for."""
    roles = {role for (role,) in connection.execute("SELECT DISTINCT role FROM lines").fetchall()}
    if roles >= {client, "back"}:
        connection.execute(_JOINED, {"client": client})
    else:
        connection.execute(_ONE_SIDED.format(client=client))


def follow(connection: "DuckDBPyConnection") -> None:
    """Make the tables `waits` and `silences` out of `all_requests` and `networks`."""
    connection.execute(_WAITS)
    connection.execute(f"CREATE TEMP TABLE silences AS {_SILENCES}", _margins(AT_ONCE_S))


def _margins(at_once_s: float) -> dict[str, float]:
    least_s, most_s = MARGIN_S
    return {
        "shortest": _SHORTEST_S, "before": _BEFORE_S, "at_once": at_once_s, "least": max(least_s, at_once_s),
        "most": most_s,
    }  # fmt: skip


def silences_of(
    connection: "DuckDBPyConnection", unknown: str | None = None, at_once_s: float | None = None
) -> tuple[Silences, dict[str, "np.ndarray[tuple[int], np.dtype[np.object_]]"]]:
    """Return all silences as columns, and what they can be grouped by.

    Silences of which nothing is known are left out, or taken as `lost` or as `answered`: between these lies the
    truth. `at_once_s` is how soon a device asks again, where that is not to be what is usual.
    """
    values: dict[str, float | str] = {"coarse": _COARSE_S, "unknown": unknown or ""}
    found = connection.execute(
        f"""
        SELECT network, kind, server, who, dense_rank() OVER (ORDER BY who) AS number,
          CASE kind_of WHEN 'told' THEN since_s + CASE WHEN is_precise THEN 0 ELSE $coarse END ELSE held_s END AS
          lasted_s,
          kind_of IN ('told', 'silent') OR (kind_of = 'unknown' AND $unknown = 'lost') AS is_cut,
          kind_of = 'told' AS is_exact
        FROM {"silences" if at_once_s is None else f"({_SILENCES})"}
        WHERE kind_of IN ('answered', 'told', 'silent') OR (kind_of = 'unknown' AND $unknown <> '' AND held_s > 0)
        """,
        values if at_once_s is None else values | _margins(at_once_s),
    ).fetchnumpy()
    silences = Silences(
        np.asarray(found["lasted_s"], np.float64),
        np.asarray(found["is_cut"], np.bool_),
        np.asarray(found["is_exact"], np.bool_),
        np.asarray(found["number"], np.int64),
    )
    return silences, {name: np.asarray(found[name], np.object_) for name in ("network", "kind", "server", "who")}
