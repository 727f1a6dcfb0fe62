"""Logs of IIS, HTTP.sys and HttpProxy, by the gigabyte: from files to limits, events and reports.

    request.py         `Logs`: what is asked of logs, and the run that answers it
    lines/             what logs say, line by line: from files to rows
    store/             rows as Parquet, so that a later run reads only what is new
    engines/           what runs SQL over rows: DuckDB in this process, or Spark
    silences/          from rows to requests, and from these to silences, which `hbprobe.evidence.limits` judges
    answer/            from silences to the answer: limits, events, findings, and what to do
    questions/         what people ask of logs: reports, and the files of Export-ActiveSyncLog
    company/           the company whose logs these are, as `hbprobe fleet` and `size` take it

A new question is a file of SQL in `questions/queries/`; a new format a kind in `lines/log_sources.py`, and the
SQL that makes rows of it.
"""
