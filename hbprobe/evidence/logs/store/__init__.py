"""Rows as Parquet, so that a later run reads only what is new.

    log_store.py       keeps what was read of each log as Parquet, so that a later run reads only what is new
    log_reading.py     reads one log into rows of Parquet
    stored_logs.py     what a folder of Parquet holds: a note for each log that was read, with the files that have its
                       rows
    same_logs.py       finds logs that were given twice: packed, renamed, or copied while they were written; so that
                       lines count once
    hiding.py          what pseudonyms leave of each column of a log, as SQL: what may name somebody is hashed, cut
                       down or left out

Logs are read on several threads, each with a cursor of its own; a note of a log is written when all its rows are.
"""
