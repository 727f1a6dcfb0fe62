"""What has already happened: logs and captures, read as episodes, for the same limits and manners as a probe.

`episode` is what every reader yields; `captures/` reads packet captures.
"""
