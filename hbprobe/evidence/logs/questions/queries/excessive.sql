-- Devices with more than 60 requests in a minute
SELECT device, user_name, max(hits) AS peak_per_minute, count(*) AS minutes, min(minute_ms) AS first_ms FROM (
  SELECT device, user_name, CAST(floor(ended_ms / 60000) AS BIGINT) * 60000 AS minute_ms, count(*) AS hits
  FROM requests WHERE device IS NOT NULL GROUP BY device, user_name, CAST(floor(ended_ms / 60000) AS BIGINT)) AS by_minute
WHERE hits > 60 GROUP BY device, user_name ORDER BY peak_per_minute DESC, device, user_name NULLS LAST
