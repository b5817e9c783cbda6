"""API keys: made, listed and revoked; shown once."""
