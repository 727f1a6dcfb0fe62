"""What tests of several rooms share: each fixture lives in a module of `support/`."""

pytest_plugins = ["support.peers", "support.facts", "support.results", "support.boxes", "support.faults"]
