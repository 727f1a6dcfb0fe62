-- The devices with the most requests
-- chart: device hits
SELECT device, user_name, min(device_type) AS device_type, min(user_agent) AS user_agent, count(*) AS hits,
  round(count(*) * 3600000.0 / (CASE WHEN max(ended_ms) - min(ended_ms) > 3600000 THEN max(ended_ms) - min(ended_ms) ELSE 3600000 END), 1) AS per_hour,
  min(ended_ms) AS first_ms, max(ended_ms) AS last_ms
FROM requests WHERE device IS NOT NULL
GROUP BY device, user_name ORDER BY hits DESC, device, user_name NULLS LAST
