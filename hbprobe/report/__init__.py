"""What was measured, for people and for programs: JSON, tables for the terminal, plots."""
