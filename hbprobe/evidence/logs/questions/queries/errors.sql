-- Errors by name
-- chart: error hits
SELECT error, count(*) AS hits, count(DISTINCT device) AS devices, min(device_type) AS a_device_type
FROM requests WHERE error IS NOT NULL GROUP BY error ORDER BY hits DESC, error
