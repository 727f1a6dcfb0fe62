"""Windows event logs: the entries that say something of ActiveSync's heartbeats, from every form they come in.

Every reader yields the same entries, whatever the form; what events 1040 and 3033 say in them is found in one place.

    readers.py readers of event logs: .evtx, the XML of wevtutil, the JSON of Get-WinEvent, and text that somebody
               pasted
    pasted.py  events 1040 and 3033 out of whatever somebody pasted or exported: an entry of any form, or its sentence
               alone
    entry.py   one entry of a Windows event log, and what events 1040 and 3033 say in the inserts and in the text

A new form is a reader in `readers`, and a kind in `hbprobe.evidence.logs.lines.log_sources`, which says
what a file is.
"""
