-- Devices that do not get through provisioning: 449, status 142 to 144 or DeviceNotProvisioned, and no other command since
SELECT device, user_name, min(CASE WHEN is_refused = 1 THEN device_type END) AS device_type, sum(is_refused) AS hits,
  max(CASE WHEN is_refused = 1 THEN access END) AS access,
  min(CASE WHEN is_refused = 1 THEN ended_ms END) AS first_ms, max(CASE WHEN is_refused = 1 THEN ended_ms END) AS last_ms
FROM (
  SELECT *, CASE WHEN status = 200 AND is_refused = 0 AND command NOT IN ('Ping', 'Provision', 'Settings') THEN 1 ELSE 0 END AS is_through
  FROM (
    SELECT *, CASE WHEN status = 449 OR command_status BETWEEN 142 AND 144
      OR error IN ('DeviceNotProvisioned', 'DeviceNotFullyProvisionable') THEN 1 ELSE 0 END AS is_refused
    FROM requests) AS judged) AS told
GROUP BY device, user_name
HAVING sum(is_refused) > 0
  AND coalesce(max(CASE WHEN is_through = 1 THEN started_ms END), -1) < max(CASE WHEN is_refused = 1 THEN ended_ms END)
ORDER BY hits DESC, device NULLS LAST, user_name NULLS LAST
