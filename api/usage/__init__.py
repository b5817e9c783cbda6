"""Usage: what a project has used and holds."""
