-- Errors by device type
SELECT error, coalesce(device_type, '-') AS device_type, count(*) AS hits, count(DISTINCT device) AS devices, max(ended_ms) AS last_ms
FROM requests WHERE error IS NOT NULL
GROUP BY error, coalesce(device_type, '-') ORDER BY hits DESC, error, device_type
