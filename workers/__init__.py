"""The supervisors: Celery, sync, no torch. A worker claims a step, keeps a child on a leash, and writes what it made."""
