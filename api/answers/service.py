"""What deleting kept answers decides."""

import time
from datetime import datetime

from sqlalchemy.orm import Session

from api.answers.wire import AnswersDeleted
from api.database import Database
from api.errors import Conflicting
from models import answer as answers
from models import job as jobs

SECONDS = 20.0
"""Of a request that deletes: clients and proxies wait longer."""


async def sweep(db: Database, project: str, before: datetime | None = None) -> AnswersDeleted:
    """Deletes answers, lot by lot, until none is left or the time is over. Raises Conflicting (`in_use`); what was deleted until then stays so."""
    until, deleted, after = time.monotonic() + SECONDS, 0, answers.FIRST
    while True:
        lot = await db(drop, project, after, before)
        deleted += lot.deleted
        if lot.last is None or time.monotonic() >= until:
            return AnswersDeleted(deleted=deleted, done=lot.last is None)
        after = lot.last


def drop(session: Session, project: str, after: answers.Place, before: datetime | None) -> answers.Lot:
    """One lot. Raises Conflicting (`in_use`).

    Jobs are looked at last: whichever has kept one of these answers was there before it.
    """
    lot = answers.drop(session, project, after, before)
    needing = session.scalars(jobs.asking(project).limit(5)).all()
    if needing:
        message = f"Kept answers are needed by {', '.join(needing)}."
        raise Conflicting(message, code="in_use", hint="Wait for the end of these jobs, or cancel them.")
    return lot
