"""What a job may say and what follows from it: pydantic only, no I/O, no torch. The one contract of api, workers and distill."""
