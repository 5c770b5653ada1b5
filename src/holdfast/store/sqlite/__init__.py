"""Runs plans on embedded SQLite: one writer thread, readers inline on the loop, and what outlives its slice in a small pool.

`store.SqliteStore` is the face. SQL comes from `store.sql`; here it meets the driver, the threads and the disk.

Invariants: nothing here opens the database, its `-wal` or its `-shm` other than through SQLite (closing such a descriptor would drop
SQLite's locks); every statement is fetched to its end (an open one pins an old snapshot); an answer leaves only after COMMIT returned.
"""
