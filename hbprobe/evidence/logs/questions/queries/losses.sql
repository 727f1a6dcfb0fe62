-- Pings and what became of their answers, by network and kind of device
SELECT network, kind, sum(CASE WHEN kind_of = 'answered' THEN 1 ELSE 0 END) AS answered,
  sum(CASE WHEN kind_of = 'silent' THEN 1 ELSE 0 END) AS silent, sum(CASE WHEN kind_of = 'told' THEN 1 ELSE 0 END) AS told,
  sum(CASE WHEN kind_of = 'moved' THEN 1 ELSE 0 END) AS moved,
  sum(CASE WHEN kind_of IN ('unknown', 'failed', 'refused') THEN 1 ELSE 0 END) AS others, count(DISTINCT who) AS devices
FROM silences GROUP BY network, kind ORDER BY count(*) DESC, network, kind
