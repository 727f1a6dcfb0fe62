-- Devices that are refused at login ten times or more: a password that was changed, perhaps
SELECT user_name, device, client, count(*) AS refused, min(ended_ms) AS first_ms, max(ended_ms) AS last_ms,
  round(count(*) * 3600000.0 / (CASE WHEN max(ended_ms) - min(ended_ms) > 3600000 THEN max(ended_ms) - min(ended_ms) ELSE 3600000 END), 1) AS per_hour
FROM requests WHERE status = 401 AND user_name IS NOT NULL
GROUP BY user_name, device, client HAVING count(*) >= 10 ORDER BY refused DESC, user_name, device NULLS LAST, client NULLS LAST
