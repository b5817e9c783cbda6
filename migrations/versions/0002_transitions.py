"""States change along the tables of models/job.py and models/step.py only, whoever writes; a fence never falls."""

from collections.abc import Sequence

from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

JOBS = """
CREATE FUNCTION check_job_transition() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.state = 'queued' THEN RETURN NEW; END IF;
    RAISE EXCEPTION 'a job begins queued, not %', NEW.state USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.state = OLD.state OR (OLD.state, NEW.state) IN (
    ('queued', 'running'), ('queued', 'paused'), ('queued', 'succeeded'), ('queued', 'failed'), ('queued', 'cancelled'),
    ('running', 'paused'), ('running', 'succeeded'), ('running', 'failed'), ('running', 'cancelled'),
    ('paused', 'queued'), ('paused', 'running'), ('paused', 'succeeded'), ('paused', 'failed'), ('paused', 'cancelled')
  ) THEN RETURN NEW; END IF;
  RAISE EXCEPTION 'job %: % to % is no transition', OLD.id, OLD.state, NEW.state USING ERRCODE = 'check_violation';
END $$
"""
STEPS = """
CREATE FUNCTION check_step_transition() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.state = 'blocked' THEN RETURN NEW; END IF;
    RAISE EXCEPTION 'a step begins blocked, not %', NEW.state USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.fence < OLD.fence THEN
    RAISE EXCEPTION 'step %: fence % after %', OLD.id, NEW.fence, OLD.fence USING ERRCODE = 'check_violation';
  END IF;
  IF OLD.state = 'ready' AND NEW.state = 'running' AND NEW.fence <> OLD.fence + 1 THEN
    RAISE EXCEPTION 'step %: claimed without a new fence', OLD.id USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.state = OLD.state OR (OLD.state, NEW.state) IN (
    ('blocked', 'ready'), ('blocked', 'paused'), ('blocked', 'succeeded'), ('blocked', 'cancelled'), ('blocked', 'skipped'),
    ('ready', 'running'), ('ready', 'paused'), ('ready', 'cancelled'), ('ready', 'skipped'),
    ('paused', 'ready'), ('paused', 'cancelled'), ('paused', 'skipped'),
    ('running', 'ready'), ('running', 'paused'), ('running', 'succeeded'), ('running', 'failed'),
    ('running', 'cancelled'), ('running', 'skipped')
  ) THEN RETURN NEW; END IF;
  RAISE EXCEPTION 'step %: % to % is no transition', OLD.id, OLD.state, NEW.state USING ERRCODE = 'check_violation';
END $$
"""


def upgrade() -> None:
    for table, function in (("jobs", JOBS), ("steps", STEPS)):
        noun = table.removesuffix("s")
        op.execute(function)
        op.execute(
            f"CREATE TRIGGER {table}_transition BEFORE INSERT OR UPDATE ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION check_{noun}_transition()"
        )


def downgrade() -> None:
    for table in ("steps", "jobs"):
        op.execute(f"DROP TRIGGER {table}_transition ON {table}")
        op.execute(f"DROP FUNCTION check_{table.removesuffix('s')}_transition()")
