"""Measuring the same paths again and again, for weeks: when, what changed, and nothing lost.

`watchfile` says what is measured, `schedule` when; `service` runs the measurements, and `store` keeps each trial that
ends; `changes` tells a change from one odd measurement; `chronicle` and `metrics` tell it.

    request.py    the request for a watch: paths measured again and again, as a watch file says
    watchfile.py  the watch file: which paths to measure again and again, and where to keep what they show
    schedule.py   when to measure: once in each interval, but never at the same minute of it
    service.py    the watch itself: it measures each target when its time has come, and keeps every trial that ends
    store.py      what a watch has measured, in SQLite: nothing that has ended is lost, whenever and however the
                  program ends
    writer.py     what a watch has to store, in order and for as long as it takes, beside the loop
    worker.py     one thread that does jobs in their order
    lock.py       one watch at a time on one database
    changes.py    when a path's limit changed, told apart from one measurement that went wrong
    chronicle.py  a history for people and programs: what is listed, drawn, and written as `hbprobe.history/1`
    metrics.py    what a watch has found, for Prometheus: read from the database at each request, so that counters
                  never start anew
    words.py      what a watch says, in sentences
"""
