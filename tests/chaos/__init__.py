"""`make chaos`: a campaign of kills and freezes, and a checker that knows nothing but the API."""
