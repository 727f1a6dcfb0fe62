"""Explaining a path: what kills its connections, told from how they die and what would have saved them."""
