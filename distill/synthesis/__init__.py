"""New texts from a teacher: what it is shown, what its replies hold, and which texts are near-duplicates."""
