"""What boxes do, as data: the schema of a profile, and the catalogue of profiles.

Its modules; each may import those above it:

    words.py      the words that a profile may use
    model.py      the schema, as pydantic models
    mistakes.py   a mistake, and how it is worded
    document.py   YAML text -> plain data, with the line of every key
    grammar.py    what pydantic says -> what the user should mend
    loader.py     text or a file -> a profile, or every mistake in it
    catalogue.py  find and list profiles: shipped ones by id, a user's own by path
    checking.py   check files, and that a shipped one lies where it belongs
    running.py    make a profile ready to run: `--set`, and drawing from populations
    table.py      profiles as rows of text
"""
