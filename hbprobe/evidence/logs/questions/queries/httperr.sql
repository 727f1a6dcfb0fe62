-- What HTTP.sys ended, by reason and ten minutes; Timer_ConnectionIdle after an answered Ping is normal
SELECT CAST(floor(ended_ms / 600000) AS BIGINT) * 600000 AS from_ms, coalesce(reason, '-') AS reason, count(*) AS hits,
  count(DISTINCT client) AS clients
FROM httperr GROUP BY CAST(floor(ended_ms / 600000) AS BIGINT), coalesce(reason, '-') ORDER BY from_ms, hits DESC, reason
