-- Devices that are refused at login ten times or more in a row: a password that was changed, perhaps
SELECT user_name, device, count(*) AS refused, count(DISTINCT client) AS addresses, min(ended_ms) AS first_ms, max(ended_ms) AS last_ms,
  round(count(*) * 3600000.0 / (CASE WHEN max(ended_ms) - min(ended_ms) > 3600000 THEN max(ended_ms) - min(ended_ms) ELSE 3600000 END), 1) AS per_hour
FROM (
  SELECT *, count(*) OVER (PARTITION BY device, user_name, let_in_before) AS in_a_row FROM (
    SELECT *, sum(let_in) OVER (PARTITION BY device, user_name ORDER BY ended_ms) AS let_in_before,
      sum(let_in) OVER (PARTITION BY device, user_name, ended_ms) AS let_in_then FROM (
      SELECT device, coalesce(user_name, max(user_name) OVER (PARTITION BY device)) AS user_name, client, status, ended_ms,
        CASE WHEN status < 500 AND status <> 401 THEN 1 ELSE 0 END AS let_in
      FROM requests WHERE coalesce(device, user_name) IN (
        SELECT coalesce(device, user_name) FROM requests WHERE status = 401 GROUP BY coalesce(device, user_name) HAVING count(*) >= 10)
      ) AS named) AS placed
  WHERE status = 401 AND let_in_then = 0) AS refusals
WHERE in_a_row >= 10 GROUP BY user_name, device ORDER BY refused DESC, user_name NULLS LAST, device NULLS LAST
