-- How long requests take by command, in seconds
SELECT coalesce(command, '-') AS command, count(*) AS hits,
  round(avg(took_ms) / 1000.0, 3) AS mean_s, round(percentile_cont(0.5) WITHIN GROUP (ORDER BY took_ms) / 1000.0, 3) AS p50_s,
  round(percentile_cont(0.95) WITHIN GROUP (ORDER BY took_ms) / 1000.0, 3) AS p95_s,
  round(percentile_cont(0.99) WITHIN GROUP (ORDER BY took_ms) / 1000.0, 3) AS p99_s, round(max(took_ms) / 1000.0, 3) AS longest_s
FROM requests GROUP BY coalesce(command, '-') ORDER BY hits DESC, command
