"""What boxes do, as data: the schema of a profile, and the catalogue of profiles."""
