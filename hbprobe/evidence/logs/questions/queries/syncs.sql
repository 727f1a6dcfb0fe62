-- First, recovering and invalid syncs of each device; a first one fetches a folder anew
SELECT device, user_name, sum(firsts) AS first_syncs, max(firsts) AS most_first_in_an_hour, sum(recoveries) AS recoveries,
  sum(invalid) AS invalid, sum(syncs) AS syncs
FROM (
  SELECT device, user_name, sum(CASE WHEN sync_type = 'F' THEN 1 ELSE 0 END) AS firsts,
    sum(CASE WHEN sync_type = 'R' THEN 1 ELSE 0 END) AS recoveries,
    sum(CASE WHEN sync_type = 'I' THEN 1 ELSE 0 END) AS invalid, count(*) AS syncs
  FROM requests WHERE sync_type IS NOT NULL GROUP BY device, user_name, CAST(floor(ended_ms / 3600000) AS BIGINT)
) AS by_hour
GROUP BY device, user_name ORDER BY first_syncs DESC, recoveries DESC, device NULLS LAST, user_name NULLS LAST
