-- The intervals that devices ask for
-- chart: heartbeat_s/command hits
SELECT heartbeat_s, command, count(*) AS hits, count(DISTINCT device) AS devices, min(device_type) AS a_device_type
FROM requests WHERE heartbeat_s IS NOT NULL GROUP BY heartbeat_s, command ORDER BY hits DESC, heartbeat_s, command
