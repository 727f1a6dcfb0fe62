"""Measuring the same paths again and again, for weeks: when, what changed, and nothing lost."""
