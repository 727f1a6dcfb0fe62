-- Requests line by line, decoded; with --who for one user or device
SELECT started_ms AS begun_ms, ended_ms, user_name, device, command, status, substatus, win32, round(took_ms / 1000.0, 3) AS took_s,
  heartbeat_s, command_status, error, access, client, server, back_end, user_agent
FROM requests ORDER BY ALL NULLS LAST
