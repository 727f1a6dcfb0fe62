"""A watch file with every method, whose targets are all measured once."""
