"""Pictures: a function each, from records to a figure of matplotlib.

First what all pictures are made of, then the pictures, each with what it is drawn from. What stands where is reckoned
in pure modules (`packing`, `curves`, `catalogue_rows`); matplotlib is loaded only when something is
drawn.

    style.py          one look for all plots: colours, hatches and markers, fonts, and the files that come of it
    page.py           pages: a title and a row of axes, with room above each for flags; or panels one below the other
                      on one axis of time. All lengths are inches
    axis.py           axes of seconds, with ticks at the times that people and timers use
    flags.py          labels above a plot, each on a pole that stands where the label belongs, none across another
    packing.py        where labels on poles go, so that none is in another's way. Lengths are in one unit, whichever
    search_plot.py    the search as a picture: every trial a bar from 0 to its end, and behind them the bracket
                      closing in on the limit
    curve_plot.py     the timeout curve as a picture: the share of holds that survive, against how long they are, each
                      line with its name
    curves.py         timeout curves: which share of holds survives, against how long they are
    catalogue_plot.py the catalogue as a picture: how long each product lets a silent request live, and how it ends it
    catalogue_rows.py where dots and names stand in the picture of the catalogue: dots in heaps, names in the room
                      between. In inches
    staircase_plot.py heartbeat staircases: what each kind of device asks for on a path over time, and which requests
                      are lost
    fleet_plot.py     what a fleet does to the window as pictures: its average over time, and against the share on one
                      path
    size_plot.py      size curves: what each timer of the firewall would cost, and from which one on the fleet is well
    history_plot.py   the limit over the days as a picture: one line a path, a flag where it changed
    capture_plot.py   captures as a picture: each connection a bar, its silences and its death; and which share of
                      silences survives
    path_plot.py      a path as a picture: client, boxes and server in a row, with the one that cuts marked
    logs_plot.py      pictures of logs: bars for the answer to one question, and the limits of networks

A new picture is a module that returns a figure made by `page`; `style` has colours and saves it.
"""
