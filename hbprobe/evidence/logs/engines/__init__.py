"""What runs SQL over rows: DuckDB in this process, or Spark.

    engine.py          DuckDB, as the logs use it: in this process, with bounded memory, and no extension that would
                       be fetched
    spark.py           Spark, as an extra, for logs of more than one machine: the same SQL over the same Parquet

A new one has the methods of `Tables` in `lines/sql_tables.py`.
"""
