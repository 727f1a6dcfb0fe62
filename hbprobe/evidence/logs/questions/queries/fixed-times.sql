-- HTTP errors of Pings by how long they took: a front end or a proxy that gives up at one time
SELECT status, substatus, win32, round(took_ms / 1000.0, 0) AS took_s, count(*) AS hits, count(DISTINCT device) AS devices
FROM requests WHERE command = 'Ping' AND status >= 500 AND took_ms > 5000
GROUP BY status, substatus, win32, round(took_ms / 1000.0, 0)
ORDER BY hits DESC, status, took_s, substatus NULLS LAST, win32 NULLS LAST
