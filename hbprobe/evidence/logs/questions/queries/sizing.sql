-- Requests of a device in a day, for sizing
SELECT coalesce(device_type, '-') AS device_type, count(*) AS device_days, round(avg(hits), 1) AS mean,
  round(percentile_cont(0.95) WITHIN GROUP (ORDER BY hits), 1) AS p95, max(hits) AS most, round(avg(pings), 1) AS pings
FROM (SELECT device, min(device_type) AS device_type, count(*) AS hits, sum(CASE WHEN command = 'Ping' THEN 1 ELSE 0 END) AS pings
      FROM requests WHERE device IS NOT NULL GROUP BY device, CAST(floor(ended_ms / 86400000) AS BIGINT)) AS by_day
GROUP BY coalesce(device_type, '-') ORDER BY device_days DESC, device_type
