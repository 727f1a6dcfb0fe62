"""From silences to the answer: limits, events, findings, and what to do.

    conclusions.py     from logs that were read to what they show: limits, events, findings, and what to do
    group_limits.py    the limit of each network, device, kind or server, and what it rests on
    windows.py         Event 1040 rebuilt: the intervals that devices asked for, through the window that everything
                       here goes by
    logged_events.py   events 1040 that were rebuilt, beside those that were logged
    httperr_reasons.py what the reasons of HTTP.sys's own log tell of devices
    log_findings.py    the answer in sentences: what needs a mend, and what else is to be known
    log_notes.py       with which caution the answer is to be read: what was assumed, and what logs cannot tell

`conclusions` asks the others in turn, and puts together the record.
"""
