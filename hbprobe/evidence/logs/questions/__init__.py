"""What people ask of logs: reports, and the files of Export-ActiveSyncLog.

    reports.py         the reports that people ask of logs: a file of SQL each, in `queries/`, with its title in the
                       first line
    export.py          the six files of Export-ActiveSyncLog, with the columns that are documented, and a seventh
                       about heartbeats
    queries/           the SQL of the reports, a file each

A new question is a file of SQL in `queries/`.
"""
