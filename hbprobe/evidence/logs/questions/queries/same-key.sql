-- Folders that a device asked for with one key more than five times in a minute; key 0 asks for all of it
SELECT device, user_name, folder, sync_key, max(hits) AS peak_per_minute, sum(hits) AS hits, min(first_ms) AS first_ms,
  max(last_ms) AS last_ms
FROM (
  SELECT device, user_name, folder, sync_key, count(*) AS hits, min(ended_ms) AS first_ms, max(ended_ms) AS last_ms
  FROM (
    SELECT device, user_name, ended_ms, regexp_extract(folders, 'Fid:?([^_]*)_', 1) AS folder,
      regexp_extract(folders, '_Sk:?([0-9]+)_', 1) AS sync_key
    FROM requests WHERE command = 'Sync' AND device IS NOT NULL
  ) AS keyed
  WHERE sync_key <> '' GROUP BY device, user_name, folder, sync_key, CAST(floor(ended_ms / 60000) AS BIGINT)
) AS by_minute
GROUP BY device, user_name, folder, sync_key HAVING max(hits) > 5
ORDER BY peak_per_minute DESC, device, user_name NULLS LAST, folder, sync_key
