-- Devices by protocol version; 2.5 is of 2003, 12.1 of 2007, 14.1 of 2010
-- chart: protocol devices
SELECT CASE WHEN protocol IS NULL OR protocol = 0 THEN '-' WHEN protocol = 25 THEN '2.5'
  ELSE concat(CAST(floor(protocol / 10) AS INTEGER), '.', CAST(protocol % 10 AS INTEGER)) END AS protocol,
  count(DISTINCT device) AS devices, count(*) AS hits, min(user_agent) AS a_user_agent
FROM requests GROUP BY 1 ORDER BY devices DESC, protocol
