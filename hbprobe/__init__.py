"""Find, explain and reproduce the timers that kill long-lived HTTPS requests on a network path.

The packages, from the top: `cli` (the verbs), `lab` (server, boxes and probe in one process), `report` (tables,
plots, JSON), `probe` (measuring a path), `exchange` (Direct Push: settings, event 1040, devices), `middlebox`
(being a box on the path), `profiles` (what boxes do, as data), and at the bottom `warp` (the event loop with its
own clock). Imports run downwards only.
"""

__version__ = "0.1.0"
