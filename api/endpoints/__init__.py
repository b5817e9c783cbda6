"""Endpoints: somebody's API with teachers behind it."""
