"""What boxes do, as data: the schema of a profile, and the catalogue of profiles.

Its modules; each may import those above it:

    words.py       the words that a profile may use
    mistakes.py    a mistake, and how it is worded
    values.py      durations, text, and what else the values are made of
    configuring.py  how a timer is set, in the product's own words
    population.py  a timer that is known only as a distribution
    timers.py      the schema of timers
    fitting.py     which timers a box of each layer can have, and what each can say
    model.py       the schema of a profile, as pydantic models
    schema.py      the same as JSON Schema, for editors
    held.py        what becomes of a request that is held in silence
    document.py    YAML text -> plain data, with the line of every key
    grammar.py     what pydantic says -> what the user should mend
    loader.py      text or a file -> a profile, or every mistake in it
    catalogue.py   find and list profiles: shipped ones by id, a user's own by path
    checking.py    check files, and that a shipped one lies where it belongs
    running.py     make a profile ready to run: `--set`, `--seed`, and refusing what cannot be run
    table.py       profiles as rows of text
"""
