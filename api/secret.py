"""API keys as text: `sh_live_`, 30 random base-62 characters, 6 of checksum. Only an HMAC of one is ever stored."""

import hashlib
import hmac
import re
import string
import zlib

PREFIX = "sh_live_"
DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase
SHAPE = re.compile(rf"{PREFIX}[0-9A-Za-z]{{36}}")


def base62(number: int, width: int) -> str:
    """The lowest `width` digits of a number in base 62."""
    digits = []
    for _ in range(width):
        number, digit = divmod(number, 62)
        digits.append(DIGITS[digit])
    return "".join(reversed(digits))


def secret_of(pepper: str, seed: str) -> str:
    """The key that grows from a random seed: whoever has both pepper and seed has the key, one alone says nothing."""
    grown = hmac.digest(pepper.encode(), b"seed:" + seed.encode(), hashlib.sha256)
    body = PREFIX + base62(int.from_bytes(grown), 30)
    return body + checksum(body)


def checksum(body: str) -> str:
    """CRC-32 in base 62: tells a typing error from a revoked key without asking the database."""
    return base62(zlib.crc32(body.encode()), 6)


def well_formed(secret: str) -> bool:
    return SHAPE.fullmatch(secret) is not None and secret[-6:] == checksum(secret[:-6])


def digest_of(pepper: str, secret: str) -> str:
    """What is stored and looked up: HMAC-SHA256 with the pepper, in hex."""
    return hmac.digest(pepper.encode(), secret.encode(), hashlib.sha256).hex()
