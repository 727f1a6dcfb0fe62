"""What tests of several rooms share: each fixture lives in a module of `support/`. And how they run side by side.

`xdist_group` keeps tests in one process that share what is dear to make.
"""

pytest_plugins = [
    "support.peers",
    "support.facts",
    "support.results",
    "support.boxes",
    "support.faults",
    "support.documents",
]
