"""Measuring a path: trials, the search that chooses them, and the journal that loses none."""
