-- Commands of each device
SELECT device, user_name, count(*) AS hits,
  sum(CASE WHEN command = 'Ping' THEN 1 ELSE 0 END) AS ping, sum(CASE WHEN command = 'Sync' THEN 1 ELSE 0 END) AS sync,
  sum(CASE WHEN command = 'FolderSync' THEN 1 ELSE 0 END) AS folder_sync,
  sum(CASE WHEN command IN ('SendMail', 'SmartReply', 'SmartForward') THEN 1 ELSE 0 END) AS sent,
  sum(CASE WHEN command = 'Provision' THEN 1 ELSE 0 END) AS provision,
  sum(CASE WHEN command = 'Settings' THEN 1 ELSE 0 END) AS settings,
  sum(CASE WHEN command IN ('Search', 'ItemOperations', 'GetAttachment', 'GetItemEstimate') THEN 1 ELSE 0 END) AS fetches,
  sum(CASE WHEN command IN ('Ping', 'Sync', 'FolderSync', 'SendMail', 'SmartReply', 'SmartForward', 'Provision', 'Settings',
    'Search', 'ItemOperations', 'GetAttachment', 'GetItemEstimate') THEN 0 ELSE 1 END) AS others
FROM requests GROUP BY device, user_name ORDER BY hits DESC, device NULLS LAST, user_name NULLS LAST
