-- Bytes of each device, where the log has sc-bytes and cs-bytes
SELECT device, user_name, sum(bytes_out) AS sent_to_device, sum(bytes_in) AS received_from_device, max(bytes_out) AS largest_answer
FROM requests WHERE bytes_out IS NOT NULL OR bytes_in IS NOT NULL
GROUP BY device, user_name ORDER BY sent_to_device DESC NULLS LAST, device NULLS LAST, user_name NULLS LAST
