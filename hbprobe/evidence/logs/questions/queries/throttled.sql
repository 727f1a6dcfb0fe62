-- Devices that Exchange slows down, or that are turned away: OverBudget, TooManyJobsQueued, or 503, which has other reasons, too
SELECT device, user_name, min(device_type) AS device_type, count(*) AS hits,
  sum(CASE WHEN status = 503 THEN 1 ELSE 0 END) AS status_503,
  sum(CASE WHEN error IN ('OverBudget', 'TooManyJobsQueued') THEN 1 ELSE 0 END) AS over_budget, max(throttle_ms) AS longest_delay, max(ended_ms) AS last_ms
FROM requests
WHERE status = 503 OR error IN ('OverBudget', 'TooManyJobsQueued') OR throttle_ms > 0
GROUP BY device, user_name ORDER BY hits DESC, device NULLS LAST, user_name NULLS LAST
