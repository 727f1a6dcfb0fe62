"""Many devices on many paths, in simulated time: what a whole server sees of them.

A mix says who is there; `world` is all that a simulation rests on. `states` tabulates the device algorithms of
`hbprobe.exchange`, `cohort` moves thousands of devices along the table at a time, `merge` puts their samples into
Exchange's window, `simulation` drives both. `reference` does the same with one object a device, and a test holds them
together.

    requests.py   the requests for simulated fleets: what the server sees of one, and which timer its firewall should
                  have
    mix.py        a mix: which devices there are, on which paths, and what they and their owners do, as a file
    mixes/        the mixes that ship
    world.py      everything that a simulation of a fleet rests on; both models take the same
    states.py     the device algorithms as one table: what each state asks for, and which state follows what
    paths.py      the paths that devices are on: how long each carries a silent request, what a device sees of the
                  cut, and how long the firewall remembers a device that has gone
    ticks.py      times on a grid of whole ticks, whose sums are exact
    mail.py       when mail comes: a Poisson process whose rate changes with the hour of the day
    chance.py     chance that is looked up by number instead of drawn in turn
    cohort.py     some of the devices of a fleet, as arrays; all that are due make a request at a time
    compiled.py   the same devices, their mails and networks, one after another, as loops that numba compiles where it
                  is installed
    merge.py      Exchange's window over the samples of all devices, in arrays; `hbprobe.exchange.window` is the
                  reference
    simulation.py simulate a fleet: cohorts of devices, slice by slice of time, and Exchange's window over all of them
    several.py    simulate several fleets at a time, on all cores: in threads where numba compiles the loops, else in
                  processes
    reference.py  the fleet with one object a device, one event at a time: what the arrays of `hbprobe.fleet.cohort`
                  must agree with
    tally.py      what came of a fleet, in numbers and over time
    size.py       which value is enough: of the firewall's timer for the fleet to be well, or of the share of devices
                  on one path for event 1040
    logged.py     the requests of a simulated company as records, which IIS's log is then written from: logs whose
                  truth is known

A device comes from `hbprobe.exchange.devices`, a path from any profile, a mix from a file; none needs code here. What
devices or people do is decided in `cohort`, in `compiled` and in `reference` alike.
"""
