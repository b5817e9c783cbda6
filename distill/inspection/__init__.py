"""Looking at what arrived: rows, models, pairs. Results are facts (`spec/facts.py`)."""
