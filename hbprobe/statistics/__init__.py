"""Survival of connections: which share is alive after a time, and how sure that is.

Trials of many lengths go in, curves over time come out: for plots, diagnoses, and what logs show.

    survival.py  the share of connections that is alive after a time: as trials show it, and as timers promise it
    bands.py     how sure the share is that is alive after a time: 95 % of confidence at each time, from trials of
                 many lengths
"""
