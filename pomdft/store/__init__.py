"""Content-addressed results with an SQLite index that can always be rebuilt."""
