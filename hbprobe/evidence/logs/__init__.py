"""Logs of IIS, HTTP.sys and HttpProxy, by the gigabyte: from files to limits, events and reports.

`log_sources` finds files and says what each is; `w3c` divides a log into stretches under one `#Fields` line; the SQL
of `rows` and `http_tables`, run by `log_reading`, makes rows of them, which `log_store` keeps as Parquet; `pairing`
makes requests of lines, and `following` silences of requests, which `hbprobe.evidence.limits` judges; `conclusions`
puts together what is found.

    request.py     `Logs`: what is asked of logs, and the run that answers it
    log_sources.py finds the files that paths name, and says what each is: by its content, not by its name
    w3c.py         divides a log in W3C's format into stretches of lines that have the same fields, each a file that a
                   CSV reader takes
    line_order.py  in which order of time the lines of a log stand: where they go back, a clock was set back
    rows.py        the lines of IIS's log as rows: which columns there are, and the SQL that makes them of a stretch
    http_tables.py the two logs beside IIS's: HTTP.sys's own of what no worker answered, and HttpProxy's of what a
                   front end passed on
    log_reading.py reads one log into rows of Parquet
    log_store.py   keeps what was read of each log as Parquet, so that a later run reads only what is new
    stored_logs.py what a folder of Parquet holds: a note for each log that was read, with the files that have its
                   rows
    hiding.py      what pseudonyms leave of each column of a log, as SQL: what may name somebody is hashed, cut down
                   or left out
    same_logs.py   finds logs that were given twice: packed, renamed, or copied while they were written; so that lines
                   count once
    sql_tables.py  what runs SQL over logs that were read, whichever engine it is
    engine.py      DuckDB, as the logs use it: in this process, with bounded memory, and no extension that would be
                   fetched
    spark.py       Spark, as an extra, for logs of more than one machine: the same SQL over the same Parquet
    pairing.py     one request of two lines: since 2013 a front end and a back end each log it
    following.py   from requests to silences: a line does not tell whether its answer arrived; the same device's next
                   request does
    clocks.py      how far the clocks of two servers are apart, by how soon devices ask again after an answer of the
                   other
    networks.py    networks of clients: the prefix of an address, and the name that the user has for it
    windows.py     Event 1040 rebuilt: the intervals that devices asked for, through the window that everything here
                   goes by
    conclusions.py from logs that were read to what they show: limits, events, findings, and what to do
    group_limits.py the limit of each network, device, kind or server, and what it rests on
    logged_events.py events 1040 that were rebuilt, beside those that were logged
    httperr_reasons.py what the reasons of HTTP.sys's own log tell of devices
    log_findings.py the answer in sentences: what needs a mend, and what else is to be known
    log_notes.py   with which caution the answer is to be read: what was assumed, and what logs cannot tell
    reports.py     the reports that people ask of logs: a file of SQL each, in `queries/`, with its title in the first
                   line
    queries/       the SQL of the reports, a file each
    export.py      the six files of Export-ActiveSyncLog, with the columns that are documented, and a seventh about
                   heartbeats
    lived.py       the limits behind one network and their shares, of the time that devices lived through there
    mix_paths.py   the paths of a mix: what each network carries, and the limit of a box before the server, which all
                   of them pass
    mixture.py     a mix for `hbprobe fleet` and `size`, with the shares that logs show: kinds of devices, paths, mail
                   and moves

A new question is a file of SQL in `queries/`; a new format a kind in `log_sources`, and the SQL that makes rows of
it.
"""
