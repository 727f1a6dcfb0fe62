-- Users with the most devices
SELECT user_name, count(DISTINCT device) AS devices, count(*) AS hits, min(ended_ms) AS first_ms, max(ended_ms) AS last_ms
FROM requests WHERE user_name IS NOT NULL GROUP BY user_name ORDER BY devices DESC, hits DESC, user_name
