"""What logs say, line by line: from files to rows.

    log_sources.py     finds the files that paths name, and says what each is: by its content, not by its name
    w3c.py             divides a log in W3C's format into stretches of lines that have the same fields, each a file
                       that a CSV reader takes
    line_order.py      in which order of time the lines of a log stand: where they go back, a clock was set back
    clocks.py          how far the clocks of two servers are apart, by how soon devices ask again after an answer of
                       the other
    rows.py            the lines of IIS's log as rows: which columns there are, and the SQL that makes them of a
                       stretch
    http_tables.py     the two logs beside IIS's: HTTP.sys's own of what no worker answered, and HttpProxy's of what a
                       front end passed on
    sql_tables.py      what runs SQL over logs that were read, whichever engine it is

A new format is a kind in `log_sources`, and the SQL that makes rows of it: `rows` is the model.
"""
