"""One seed a job, one stream a purpose: weights, batches and dropout must not draw the same numbers."""

import hashlib


def derived(seed: int, purpose: str) -> int:
    """A 63-bit seed for one purpose of a job's seed."""
    return int.from_bytes(hashlib.sha256(f"{purpose}\n{seed}".encode()).digest()[:8], "big") >> 1
