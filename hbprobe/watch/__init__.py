"""Measuring the same paths again and again, for weeks: when, what changed, and nothing lost.

`watchfile` says what is measured, `schedule` when; `watch` runs the measurements, and `store` keeps each trial that
ends; `changes` tells a change from one odd measurement; `history`, `metrics` and `notify` tell it. `control` is
what a running watch can be asked, by `endpoint` or by a signal.

    request.py    the request for a watch: paths measured again and again, as a watch file says
    watchfile.py  the watch file: which paths to measure again and again, and where to keep what they show
    schedule.py   when to measure: once in each interval, but never at the same minute of it
    watch.py      the watch itself: it measures each target when its time has come, and keeps every trial that ends
    store.py      what a watch has measured, in SQLite: nothing that has ended is lost, whenever and however the
                  program ends
    writer.py     what a watch stores: in order, in a thread of its own, and for as long as it takes
    changes.py    when a path's limit changed, told apart from one measurement that went wrong
    history.py    a history for people and programs: in sentences, listed, drawn, and written as `hbprobe.history/1`
    control.py    what may be asked of a watch while it runs, and who hears what goes on in it
    live_table.py all targets of a running watch on a terminal: the last limit of each, its history as a sparkline,
                  and what runs
    file_sd.py    targets out of files as Prometheus's file-based service discovery reads them, so that one file
                  serves both
    metrics.py    what a watch has found, for Prometheus: read from the database at each request, so that counters
                  never start anew
    endpoint.py   what monitoring asks of a watch over HTTP: metrics, the last result of a target, whether it is well,
                  a reload
    notify.py     who is told that a limit changed: a program that gets JSON on standard input, or a URL to which it
                  is posted
"""
