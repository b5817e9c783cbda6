"""Ids: a prefix and 26 time-ordered characters, so that `after=<id>` is one index range scan."""

import secrets
import time

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: ordered, no look-alikes


def new_id(prefix: str) -> str:
    """`prefix` + 10 characters of milliseconds + 16 random ones."""
    number = time.time_ns() // 1_000_000 << 80 | secrets.randbits(80)
    return prefix + "".join(ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))
