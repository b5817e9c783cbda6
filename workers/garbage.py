"""Bytes that nobody needs: found by reference, never by guess. The row goes first, in its own transaction, then the bytes.

Who brings bytes announces them first (models/blob.py), and waits for us while we delete the same.
"""

import time

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models import blob
from models.blob import Blob
from storage import Storage
from workers.claim import Ledger

ABANDONED = 86_400.0  # seconds after which what was begun and never ended belongs to a process that died


def collect(ledger: Ledger, storage: Storage) -> None:
    """Deletes what no file, dataset, model or step refers to, once its grace is over."""
    for digest in ledger(lambda session: session.scalars(blob.garbage()).all()):
        try:
            dropped = ledger(_drop, digest)
        except IntegrityError:
            continue  # somebody has just come to need it
        if dropped is not None:
            ledger(_forget, storage, digest)


def orphans(ledger: Ledger, storage: Storage) -> None:
    """Deletes bytes whose row was never written, since their writer died between the two."""
    for digest, _, modified in storage.all():
        if _old(modified) and not ledger(_known, digest):
            ledger(_forget, storage, digest)


def tidy(storage: Storage) -> None:
    """Deletes what writers that died left half written. On S3 that needs rights of its own."""
    storage.tidy(time.time() - ABANDONED)


def _forget(session: Session, storage: Storage, digest: str) -> None:
    """Not if somebody has announced or put the same bytes since."""
    # However long it takes: a transaction that the server ended would let others in before the bytes are gone.
    session.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
    if blob.bar(session, digest):
        modified = storage.modified(digest)
        if modified is not None and _old(modified):
            storage.delete(digest)
        blob.unbar(session, digest)


def _old(modified: float) -> bool:
    return modified < time.time() - blob.GRACE.total_seconds()


def _drop(session: Session, digest: str) -> str | None:
    return session.scalar(blob.drop(digest))


def _known(session: Session, digest: str) -> bool:
    return session.get(Blob, digest) is not None
