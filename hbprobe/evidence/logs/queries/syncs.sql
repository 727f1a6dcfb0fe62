-- First, recovering and invalid syncs of each device
SELECT device, user_name, sum(CASE WHEN sync_type = 'F' THEN 1 ELSE 0 END) AS first_syncs,
  sum(CASE WHEN sync_type = 'R' THEN 1 ELSE 0 END) AS recoveries, sum(CASE WHEN sync_type = 'I' THEN 1 ELSE 0 END) AS invalid,
  count(*) AS syncs
FROM requests WHERE sync_type IS NOT NULL GROUP BY device, user_name
ORDER BY first_syncs DESC, recoveries DESC, device NULLS LAST, user_name NULLS LAST
