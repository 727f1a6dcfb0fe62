-- Devices that do not get through provisioning: 449, status 142 to 144, DeviceNotProvisioned
SELECT device, user_name, min(device_type) AS device_type, count(*) AS hits, max(access) AS access,
  min(ended_ms) AS first_ms, max(ended_ms) AS last_ms
FROM requests
WHERE status = 449 OR command_status BETWEEN 142 AND 144 OR error IN ('DeviceNotProvisioned', 'DeviceNotFullyProvisionable')
GROUP BY device, user_name ORDER BY hits DESC, device NULLS LAST, user_name NULLS LAST
