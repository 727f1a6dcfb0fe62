-- Devices that are blocked or in quarantine, and why: G by the default, R by a rule, I for this one, P by policy
SELECT device, user_name, min(device_type) AS device_type, min(user_agent) AS user_agent,
  max(CASE WHEN is_kept_out = 1 THEN access END) AS access, sum(is_kept_out) AS hits,
  sum(CASE WHEN is_kept_out = 1 AND status = 403 THEN 1 ELSE 0 END) AS status_403,
  sum(CASE WHEN is_kept_out = 1 AND status = 449 THEN 1 ELSE 0 END) AS status_449,
  max(CASE WHEN is_kept_out = 1 THEN ended_ms END) AS last_ms
FROM (
  SELECT *, CASE WHEN access LIKE 'Blocked%' OR access LIKE 'Quarantined%'
    OR error IN ('DeviceIsBlockedForThisUser', 'UserDisabledForSync') THEN 1 ELSE 0 END AS is_kept_out
  FROM requests) AS told
GROUP BY device, user_name
HAVING max(CASE WHEN is_kept_out = 1 THEN ended_ms END)
  >= coalesce(max(CASE WHEN is_kept_out = 0 AND access LIKE 'Allowed%' THEN ended_ms END), 0)
ORDER BY hits DESC, device NULLS LAST, user_name NULLS LAST
