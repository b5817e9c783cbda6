"""Answers: what endpoints have said, kept for the project."""
