"""What a job may say and what follows from it: pydantic (and jsonschema, for filters that have a schema), no I/O, no torch. The one contract of api, workers and distill."""
