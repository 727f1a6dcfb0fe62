"""Direct Push in Exchange: its settings, the window that raises event 1040, the devices, and the verdict on a path.

A limit and the settings go in. `predict` lets each of `devices` walk its algorithm on such a path, and its samples go
through `window`; `verdict` judges each device, and the path. Pure, but that `settings` can read a
file.

    settings.py       the heartbeat settings of Exchange, with its own rules for bad values
    settings_files.py the files that have the heartbeat settings: the appSettings of a .NET configuration file, and
                      the registry's export of Exchange Server 2003, each value with its line
    window.py         Exchange's window of heartbeat samples, whose average raises event 1040
    algorithms.py     how clients choose the next heartbeat: state machines
    devices.py        the clients that a verdict is given for, each with where its behaviour is known from
    predict.py        what one device alone would ask for on a path, and what Exchange's window makes of it
    verdict.py        what a path's limit means for Direct Push: event 1040, how each device fares, and the timer that
                      would end it
    event_reading.py  what an event 1040 that was logged says of the path: which devices ask for so little, and on
                      which paths

A new device is a row of `devices.DEVICES`; where no algorithm of `algorithms` is its, a state machine there first.
"""
