"""What was measured, on the terminal: the answer first, then the evidence; and live lines while it runs.

A function for each record, which prints on a console of rich that it is given.

    words.py       what a measurement showed, in words that tables and plots share
    alert_words.py what an event 1040 or 3033 says of a path in sentences, and what it cannot say
    answer.py      what a measurement comes to, in the few sentences that stand first wherever it is told
    layout.py      how text stands on the terminal: names beside sentences, and tables without colour
    tables.py      a result on the terminal: sentences and one table, which need no colour and stand any width from 80
                   columns on
    live.py        what a running search shows: the bracket, the trials under way, and how long it may still take
    diagnosis.py   a diagnosis on the terminal, in plain words: what it does next and each answer as it comes, and
                   what it found
    location.py    what locating showed, on the terminal
    preflight.py   a preflight on the terminal, check by check
    capture.py     captures on the terminal: how far the reading is, the answer, what died of what, and the table of
                   connections
    logs.py        logs on the terminal: the answer first, then the evidence, then what was not read
    fleet.py       a fleet on the terminal: when event 1040 fires, what the server carries, each kind of device; and
                   over sockets, whether the model says the same
    size.py        a sizing on the terminal: one row a timer, the timers that are enough, and the change in the
                   firewall's words

A new record gets a module here; sentences that others use too go into `words`.
"""
