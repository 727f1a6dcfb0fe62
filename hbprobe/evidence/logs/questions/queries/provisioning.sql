-- Devices that do not get through provisioning: 449, status 142 to 144, DeviceNotProvisioned, and not let in since
SELECT device, user_name, min(device_type) AS device_type, sum(is_refused) AS hits,
  max(CASE WHEN is_refused = 1 THEN access END) AS access, min(refused_ms) AS first_ms, max(refused_ms) AS last_ms
FROM (
  SELECT *, CASE WHEN is_refused = 1 THEN ended_ms END AS refused_ms,
    CASE WHEN is_refused = 0 AND status < 400 AND command IS NOT NULL AND command <> 'Provision' AND NOT coalesce(
      access LIKE 'Blocked%' OR access LIKE 'Quarantined%', false) THEN ended_ms END AS let_in_ms FROM (
    SELECT *, CASE WHEN status = 449 OR command_status BETWEEN 142 AND 144
      OR error IN ('DeviceNotProvisioned', 'DeviceNotFullyProvisionable') THEN 1 ELSE 0 END AS is_refused
    FROM requests) AS told) AS placed
GROUP BY device, user_name HAVING max(refused_ms) >= coalesce(max(let_in_ms), 0)
ORDER BY hits DESC, device NULLS LAST, user_name NULLS LAST
