"""Which hold to try next: pure, told what each trial showed, asked for the next holds.

A `Search` is given every outcome (`record`) and asked for more (`next_holds`) until it has none; `bracket` says what
the trials together show, `prior` where timers are likely, `guided` what is cheapest to try, `noise` how sure all that
is.

    search.py     which holds to try next: the bracket around a path's limit, closed in from both sides
    guided.py     a search that knows the catalogue: it tries just below and just above likely timers, in the cheapest
                  order
    heartbeats.py searching with heartbeats: whole seconds, and only those that the server takes
    bracket.py    what the trials together say: between which two holds the limit lies, and which trials speak against
                  that
    expected.py   how long a search is likely to take, in path time: every timer of the catalogue is searched in
                  thought
    prior.py      where a path's limit is likely to lie, and whether the box will tell: the timers that products have,
                  smoothed
    noise.py      how sure a bracket is when trials also die for other reasons than the timer: Bayes' rule, on a
                  simple model
"""
