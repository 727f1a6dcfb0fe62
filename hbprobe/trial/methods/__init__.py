"""The methods of a trial: how one connection is kept quiet for a chosen time, one file for each, all in one table.

    table.py   one row of traits for each method, from which every other room derives what it must know
    method.py  what every method is, and how one is made of its row
    hold.py    hbprobe serve holds a request, and bears witness
    idle.py    silence between two requests to any web server
    ping.py    a Ping that a real ActiveSync server holds: a trial is one Ping, on one connection of its own
    talking.py silence in the middle of a talk in any protocol of `hbprobe.trial.talks`

A new method is a file here with `make(environment)`, and a row of `table.METHODS`.
"""
