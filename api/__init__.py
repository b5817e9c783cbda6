"""The web process: FastAPI over one transaction a request. Never torch, never a task's work."""
