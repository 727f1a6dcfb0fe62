"""One measurement, from a request to a record: the public API, and what carries it out.

A request (`probe.Probe`) says everything, out of the groups of `request`. `setup` makes method and search of it,
`run` lets the search ask for holds until the limit is known: each becomes a trial of `hbprobe.trial`, watched by
`guard`, written by `journal`, told to `observe`. `conclude` makes the record.

    request.py      what requests have in common: the groups of fields, each defined once, with its defaults, limits
                    and messages
    field_values.py the values of a request: durations, shares and counts, what the type of each says, and how it is
                    read
    talk_request.py what a user may say of a talk beside its URL: a login, STARTTLS, headers, a sub-protocol, bytes to
                    send
    probe.py        the request for the limit of a real path, and how it is carried out
    locate.py       the request for the hop that forgets idle connections, and how it is carried out
    preflight.py    the request for the checks that an ActiveSync server must pass before a Ping can wait
    account.py      who logs in: the user as the request says, the password from it, a file, the environment or a
                    prompt
    setup.py        a run made ready, and carried out as far as it goes
    run.py          a search carried out: the holds that it asks for become trials, and what they show goes to it and
                    the journal
    guard.py        whether this process was awake: what a trial shows while it, or its machine, stood still is void,
                    and it is made again
    presence.py     whether the far end is still there after a cut: where it is not, the cut is no evidence of a timer
    diagnosing.py   a diagnosis carried out: the search for the limit, then every question about it at the same time
    description.py  what makes a measurement the same as another: which fields of a request change trials
    journal.py      the journal of a measurement: each thing that happened, a line each, written through to the disk,
                    and found again
    log_file.py     a file of lines that a thread of its own writes, in order, each through to the disk
    observe.py      who looks on while a measurement runs: a live line, a page, metrics. All hear the same events
    conclude.py     from a search that has run to its result: the limit, and what it means for Exchange

A new field that several verbs share goes into a group of `request`; command line, path files and watch files take it
from there.
"""
