-- Compliance with the policy, by what each device acknowledged last
-- chart: compliance devices
SELECT compliance, count(*) AS devices FROM (
  SELECT device, CASE max(CASE WHEN of_device = 1 THEN policy_ack END)
    WHEN 1 THEN 'compliant' WHEN 2 THEN 'partially compliant' WHEN 3 THEN 'not compliant' ELSE 'unknown' END AS compliance
  FROM (SELECT device, policy_ack, row_number() OVER (PARTITION BY device ORDER BY CASE WHEN policy_ack IS NULL THEN 1 ELSE 0 END, ended_ms DESC, policy_ack DESC) AS of_device
        FROM requests WHERE device IS NOT NULL) AS numbered
  GROUP BY device) AS last_of_each
GROUP BY compliance ORDER BY devices DESC, compliance
