"""Logs of IIS, HTTP.sys and HttpProxy, by the gigabyte: from files to limits, events and reports.

`sources` finds files and says what each is; `w3c` divides a log into stretches under one `#Fields` line; `rows` and
`http_tables` have the SQL that makes rows of lines; `store` keeps them as Parquet; `engine` is DuckDB; `following`
makes
silences of requests, which `hbprobe.evidence.limits` judges; `windows` rebuilds event 1040; `telling` puts it
together;
`request` is what is asked, and the run. A new question is a file of SQL in `queries/`; a new format a kind in
`sources`.
"""
