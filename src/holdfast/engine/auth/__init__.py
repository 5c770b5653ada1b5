"""Signing in and what follows from it: the handlers of /api/v1/auth, one file for each concern.

A token leaves the house once, in the answer that makes it, and is kept as a keyed hash. Nothing here is stored with idempotency keys,
nothing of a secret is logged. Whoever cannot sign in learns nothing of why, in the answer or by its time.
"""
