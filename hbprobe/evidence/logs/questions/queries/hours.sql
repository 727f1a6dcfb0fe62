-- Requests and devices by the hour
-- chart: hour_ms hits
SELECT CAST(floor(ended_ms / 3600000) AS BIGINT) * 3600000 AS hour_ms, count(*) AS hits, count(DISTINCT device) AS devices,
  sum(CASE WHEN command IN ('Sync', 'GetItemEstimate') THEN 1 ELSE 0 END) AS sync_related
FROM requests GROUP BY CAST(floor(ended_ms / 3600000) AS BIGINT) ORDER BY hour_ms
