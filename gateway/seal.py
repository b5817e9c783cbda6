"""Keys of endpoints at rest: AES-GCM (NIST SP 800-38D), bound to the row that they belong to."""

import base64
import binascii
import hashlib
import os
from dataclasses import dataclass, field
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE = 12


class Unsealable(Exception):
    """No master key of this process opens the secret, or it was sealed for another row."""


@dataclass(frozen=True)
class Sealed:
    """`key` names the master key, `box` is the nonce and then the ciphertext with its tag."""

    key: str
    box: bytes = field(repr=False)


class Keyring:
    """Master keys of 32 bytes: the first one seals, every one opens. So a new one stands behind the old one until every process has it."""

    def __init__(self, masters: tuple[bytes, ...]) -> None:
        if not masters or any(len(master) != 32 for master in masters):
            raise ValueError("a keyring needs one master key or more, each of 32 bytes")
        self._ciphers = {_name(master): AESGCM(master) for master in masters}
        self._current = _name(masters[0])

    @property
    def current(self) -> str:
        """Name of the master key that seals."""
        return self._current

    @classmethod
    def parse(cls, text: str) -> Self:
        """From base64 keys separated by commas. Raises `ValueError`, which repeats nothing of `text`."""
        try:
            return cls(tuple(base64.b64decode(part.strip(), validate=True) for part in text.split(",")))
        except binascii.Error:
            raise ValueError("master keys are 32 bytes each, in base64, separated by commas") from None

    def seal(self, secret: str, *, project: str, endpoint: str) -> Sealed:
        nonce = os.urandom(NONCE)
        sealed = self._ciphers[self._current].encrypt(nonce, secret.encode(), _row(project, endpoint))
        return Sealed(self._current, nonce + sealed)

    def open(self, sealed: Sealed, *, project: str, endpoint: str) -> str:
        """Raises `Unsealable`."""
        cipher = self._ciphers.get(sealed.key)
        if cipher is None:
            raise Unsealable(f"master key {sealed.key} is not in the keyring")
        try:
            return cipher.decrypt(sealed.box[:NONCE], sealed.box[NONCE:], _row(project, endpoint)).decode()
        except (InvalidTag, ValueError):
            raise Unsealable("the secret was changed, or sealed for another row") from None

    def reseal(self, sealed: Sealed, *, project: str, endpoint: str) -> Sealed:
        """The same secret under the first master key; itself where it is under it already."""
        if sealed.key == self._current:
            return sealed
        return self.seal(self.open(sealed, project=project, endpoint=endpoint), project=project, endpoint=endpoint)


def _name(master: bytes) -> str:
    return hashlib.sha256(b"stillhouse master key" + master).hexdigest()[:12]


def _row(project: str, endpoint: str) -> bytes:
    """Lengths first, so that no two rows have the same bytes."""
    return f"{len(project)}:{project}:{endpoint}".encode()
