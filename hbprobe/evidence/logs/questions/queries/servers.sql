-- Load by server
-- chart: server/back_end/mailbox_server hits
SELECT server, coalesce(back_end, '-') AS back_end, coalesce(mailbox_server, '-') AS mailbox_server, count(*) AS hits,
  count(DISTINCT device) AS devices, round(avg(took_ms) / 1000.0, 3) AS mean_s
FROM requests GROUP BY server, coalesce(back_end, '-'), coalesce(mailbox_server, '-')
ORDER BY hits DESC, server, back_end, mailbox_server
