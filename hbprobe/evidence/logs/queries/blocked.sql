-- Devices that are blocked or in quarantine, and why: G by the default, R by a rule, I for this one, P by policy
SELECT device, user_name, min(device_type) AS device_type, min(user_agent) AS user_agent, max(access) AS access,
  count(*) AS hits, sum(CASE WHEN status = 403 THEN 1 ELSE 0 END) AS status_403,
  sum(CASE WHEN status = 449 THEN 1 ELSE 0 END) AS status_449, max(ended_ms) AS last_ms
FROM requests
WHERE access LIKE 'Blocked%' OR access LIKE 'Quarantined%' OR error IN ('DeviceIsBlockedForThisUser', 'UserDisabledForSync')
GROUP BY device, user_name ORDER BY hits DESC, device NULLS LAST, user_name NULLS LAST
