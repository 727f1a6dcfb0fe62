-- Status codes, with percentiles of the time taken in seconds
-- chart: status/substatus/win32 hits
SELECT status, substatus, win32, count(*) AS hits, round(100.0 * count(*) / sum(count(*)) OVER (), 2) AS percent,
  round(percentile_cont(0.5) WITHIN GROUP (ORDER BY took_ms) / 1000.0, 3) AS p50_s,
  round(percentile_cont(0.95) WITHIN GROUP (ORDER BY took_ms) / 1000.0, 3) AS p95_s,
  round(percentile_cont(0.99) WITHIN GROUP (ORDER BY took_ms) / 1000.0, 3) AS p99_s, round(max(took_ms) / 1000.0, 3) AS longest_s
FROM requests GROUP BY status, substatus, win32
ORDER BY hits DESC, status NULLS LAST, substatus NULLS LAST, win32 NULLS LAST
