"""middlebox/http."""
