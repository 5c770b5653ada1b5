"""The SQLite adapter: apsw, one writer, inline reads."""
