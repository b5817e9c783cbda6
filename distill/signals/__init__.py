"""What teachers say of rows: scores that a step made in shards, or signals that a user uploaded. Both give logits (rows, M, V)."""
