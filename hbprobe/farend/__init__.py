"""farend."""
