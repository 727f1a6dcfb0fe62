-- Errors by device
SELECT error, device, user_name, min(device_type) AS device_type, count(*) AS hits, max(ended_ms) AS last_ms
FROM requests WHERE error IS NOT NULL
GROUP BY error, device, user_name ORDER BY hits DESC, error, device NULLS LAST, user_name NULLS LAST
