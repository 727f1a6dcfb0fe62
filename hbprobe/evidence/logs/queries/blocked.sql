-- Devices that are blocked or in quarantine, and not allowed since, and why: G by the default, R by a rule, I for this one, P by policy
SELECT device, user_name, min(CASE WHEN is_blocked = 1 THEN device_type END) AS device_type,
  min(CASE WHEN is_blocked = 1 THEN user_agent END) AS user_agent, max(CASE WHEN is_blocked = 1 THEN access END) AS access,
  sum(is_blocked) AS hits, sum(CASE WHEN is_blocked = 1 AND status = 403 THEN 1 ELSE 0 END) AS status_403,
  sum(CASE WHEN is_blocked = 1 AND status = 449 THEN 1 ELSE 0 END) AS status_449,
  max(CASE WHEN is_blocked = 1 THEN ended_ms END) AS last_ms
FROM (
  SELECT *, CASE WHEN access LIKE 'Blocked%' OR access LIKE 'Quarantined%'
    OR error IN ('DeviceIsBlockedForThisUser', 'UserDisabledForSync') THEN 1 ELSE 0 END AS is_blocked
  FROM requests) AS judged
GROUP BY device, user_name
HAVING sum(is_blocked) > 0
  AND coalesce(max(CASE WHEN is_blocked = 0 AND access LIKE 'Allowed%' THEN ended_ms END), -1)
    <= max(CASE WHEN is_blocked = 1 THEN ended_ms END)
ORDER BY hits DESC, device NULLS LAST, user_name NULLS LAST
