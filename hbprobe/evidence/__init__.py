"""What has already happened: logs and captures, read as episodes, for the same limits and manners as a probe.

`episode` is what readers yield; `limits` judges silences, wherever they were read; `logs/` reads logs of IIS and its
neighbours, `events/` Windows event logs, `captures/` packet captures.
"""
