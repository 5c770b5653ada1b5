"""The tests of the core draw the same examples every time, and a slow machine fails none of them."""

from hypothesis import settings

settings.register_profile("core", derandomize=True, deadline=None)
settings.load_profile("core")
