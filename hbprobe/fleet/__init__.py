"""Many devices on many paths, in simulated time: what a whole server sees of them."""
