"""What boxes do, as data: the schema of a profile, and the catalogue of profiles.

Text becomes plain data with lines (`document`), that becomes a profile (`model`) or mistakes that name file, line and
key (`grammar`, `loader`). Each module may import those above it.

    vocabulary.py     the words that a profile may use, each with its meaning
    mistakes.py       what is wrong with a profile, in words: where, which key, what, and what is allowed there
    values.py         what the values of a profile are made of: durations, text, words, and the errors that pydantic
                      does not know
    timers.py         the schema of timers: how long, as a number or as a distribution; what sets them back; what
                      happens when they run out; and how the product's own words set them
    model.py          the schema of a profile: what one product does to connections, with the source of each number,
                      and which timers a box of each layer can have
    schema.py         the JSON Schema of a profile, for editors: they complete keys and words, and show what each
                      means
    silent_request.py what a box makes of a request that is held in silence, as Direct Push holds it: how long it
                      lives, how it dies
    document.py       YAML text as plain data, with the line of every key
    grammar.py        what pydantic found wrong in a file, told as what the user should mend and what is allowed there
    loader.py         text or a file to a profile, or to what another schema describes; or every mistake in it
    catalogue.py      find and list profiles: the shipped ones by id, a user's own by path
    checking.py       check files of profiles: each mistake is one line
    running.py        make a profile ready to run: change its timers for one run, and draw what is random about it
    profile_rows.py   profiles as rows of text, for whoever prints them. `*` marks what is inferred

A new box is a YAML file in `proxy_profiles/` and no code. A new key is a field of `timers` or `model`; schema, checks
and docs/profiles.md are held together by tests.
"""
