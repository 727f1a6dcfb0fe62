"""What has already happened: logs and captures, read as episodes, for the same limits and manners as a probe.

Readers yield episodes, or entries of event logs; `limits` judges silences, wherever they were read. What comes of it
is a record of `hbprobe.records.logs` or `hbprobe.records.capture`.

    limits.py  which limit a path has, from silences in the past that nobody planned, each an `Episode`; what cannot
               be known is said as such
    logs/      logs of IIS and its neighbours
    verdict.py the request for what Exchange and its devices make of a limit that is known, or of an event that was
               logged
    events/    Windows event logs
    captures/  packet captures

A new kind of file is a reader in the sub-room of its like, and what it skips is counted by reason.
"""
