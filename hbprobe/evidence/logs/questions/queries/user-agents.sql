-- Devices and requests by user agent
-- chart: user_agent devices
SELECT coalesce(user_agent, '-') AS user_agent, count(DISTINCT device) AS devices, count(*) AS hits
FROM requests GROUP BY coalesce(user_agent, '-') ORDER BY devices DESC, hits DESC, user_agent
