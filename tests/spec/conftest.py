"""Properties are tried on the same examples everywhere, and a slow machine is no failure."""

from hypothesis import settings

settings.register_profile("stillhouse", deadline=None, derandomize=True, database=None)
settings.load_profile("stillhouse")
