-- Device types, which third-party apps name themselves by
-- chart: device_type users
SELECT coalesce(device_type, '-') AS device_type, count(DISTINCT user_name) AS users, count(DISTINCT device) AS devices,
  count(*) AS hits, min(user_agent) AS a_user_agent
FROM requests GROUP BY coalesce(device_type, '-') ORDER BY users DESC, device_type
