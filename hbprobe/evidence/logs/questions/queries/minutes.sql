-- Requests and devices by the minute
SELECT CAST(floor(ended_ms / 60000) AS BIGINT) * 60000 AS minute_ms, count(*) AS hits, count(DISTINCT device) AS devices
FROM requests GROUP BY CAST(floor(ended_ms / 60000) AS BIGINT) ORDER BY minute_ms
