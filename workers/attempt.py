"""One attempt at one step: prepare, run the child, take what it made, write the end. No database session is held meanwhile.

Three threads: this one watches the child and the clocks and never waits for the database while the child runs; the
heartbeat renews the lease; the scribe writes what the child tells.
"""

import time
from dataclasses import replace
from typing import Any

import structlog
from structlog.contextvars import bound_contextvars
from structlog.typing import FilteringBoundLogger

from gateway.front import NO_SPACE, TOO_MANY
from models.claim import Grip
from models.finish import Outcome
from models.job import Intent
from models.start import Work
from spec.params import ASKING
from spec.run import OUTPUTS, Result
from storage import Corrupt, Full, Missing, StorageError
from workers import intake, readmission, retry
from workers.asking import Asking
from workers.child import Child
from workers.claim import Away
from workers.folder import Folder
from workers.heartbeat import Heartbeat
from workers.post import Post
from workers.sandbox import INSPECTION_LIMIT, Order, Sandbox, counts, environment, limits, visible
from workers.scribe import Scribe
from workers.shelf import Shelf
from workers.verify import verify

LOOK = 0.2  # seconds between looks at the clocks; the child's end is seen at once
MARGIN = 0.05  # of a lease: we end before the lease does
AGAIN = 0.5  # seconds until a transaction is tried again while the database is away
OVER_BUDGET = "over_budget"
UNSANDBOXED = (
    "This worker can make neither a user namespace nor a bubblewrap sandbox, nor can any other that is connected.",
    "Allow user namespaces, install bubblewrap, or set STILLHOUSE_ALLOW_UNSANDBOXED=1 if you trust all uploads.",
)

UNWRITABLE = Outcome(result=retry.failed("internal", "The step's end could not be written.", "unknown"))


class Attempt:
    """Of a claimed step, in the thread that claimed it."""

    def __init__(self, post: Post, grip: Grip, began: float) -> None:
        """`began`: monotonic time before the claim."""
        self.post, self.grip, self.began = post, grip, began
        self.shelf = Shelf(post.ledger, post.storage, post.stopping.wait)
        self.log: FilteringBoundLogger = structlog.get_logger(__name__)

    def run(self) -> None:
        """Until the step's end is written, or the step is somebody else's. Whatever is logged meanwhile says which step it is about."""
        grip = self.grip
        with bound_contextvars(job=grip.job, step=grip.step, step_name=grip.name, fence=grip.fence):
            self._run()
            self.post.bell.ring(readmission.after(self.post, grip.job))

    def _run(self) -> None:
        began = time.monotonic()
        work, queues = self._start()
        self.post.bell.ring(queues)
        if work is None:
            self.log.info("step_not_started")
            return
        self.log.info("step_started", verb=work.verb)
        period = self.post.settings.heartbeat_seconds
        with Heartbeat(self.post.ledger, work, period=period, began=began) as heartbeat:
            outcome = self._outcome(work, heartbeat)
            self.post.bell.ring(self._finish(outcome, heartbeat))

    def _start(self) -> tuple[Work | None, set[str]]:
        """Tried again while the database is away and the claim's own lease lasts."""
        while True:
            try:
                return self.post.ledger.start(self.grip)
            except Away:
                if time.monotonic() + AGAIN >= self.began + self.post.settings.lease_seconds:
                    raise
                if self.post.stopping.wait(AGAIN):
                    return None, set()

    def _outcome(self, work: Work, heartbeat: Heartbeat) -> Outcome:
        if not self.post.trusted:
            return Outcome(result=retry.failed("no_sandbox", UNSANDBOXED[0], "never", UNSANDBOXED[1]))
        folder = Folder(self.post.settings.scratch, work)
        try:
            settings = self.post.settings
            device = "cuda" if work.queue == "gpu" and self.post.device != "cpu" else "cpu"
            copied = self.post.sandbox is Sandbox.NONE
            folder.prepare(
                work, self.post.storage, threads=settings.threads, device=device, copied=copied,
                latency=settings.latency_seconds,
            )  # fmt: skip
            return self._run_child(work, folder, heartbeat, device)
        except (Missing, Corrupt) as error:
            return Outcome(result=retry.failed("input_lost", f"An input cannot be read: {error}", "unknown"))
        except Full as error:
            return Outcome(result=retry.full(str(error)))
        except (StorageError, OSError) as error:
            if isinstance(error, OSError) and error.errno in NO_SPACE:
                return Outcome(result=retry.full(str(error)))
            return Outcome(result=retry.failed("machine_error", f"The machine failed: {error}", "infrastructure"))
        finally:
            folder.remove()

    def _run_child(self, work: Work, folder: Folder, heartbeat: Heartbeat, device: str) -> Outcome:
        """Where the child has a teacher to ask, the gateway is open from before its start until after its end."""
        if work.verb not in ASKING:
            return self._watched(work, folder, heartbeat, device)
        post = self.post
        with Asking(post.ledger, post.settings, work, folder.run, heartbeat, post.stopping) as asking:
            if asking.problem is None:
                outcome = self._watched(work, folder, heartbeat, device, asking)
            else:
                outcome = Outcome(result=retry.ROLLED_BACK)
        problem = asking.problem
        if problem is None or problem.code == OVER_BUDGET:
            return replace(outcome, over_budget=problem is not None)
        again = "never" if problem.code == TOO_MANY else "infrastructure"
        return replace(outcome, result=retry.failed(problem.code, problem.message, again, problem.hint), outputs={})

    def _watched(
        self, work: Work, folder: Folder, heartbeat: Heartbeat, device: str, asking: Asking | None = None
    ) -> Outcome:
        child = Child(self.post.sandbox, self._order(work, folder, device), folder.report)
        try:
            heartbeat.child = child
            with Scribe(self.post.ledger, self.shelf, work, folder, heartbeat) as scribe:
                asked = self._watch(child, work, heartbeat, scribe)
                if self.post.stopping.is_set():
                    scribe.hurry.set()
        finally:
            heartbeat.child = None
            child.close()
        end = child.end()
        self.log.info("child_ended", asked=asked, **(end.model_dump() if end else {"code": None}))
        if scribe.refused is not None:
            return Outcome(result=retry.invalid(scribe.refused))
        gateway = asking is not None and asking.stopped
        result = retry.full(scribe.full) if scribe.full else retry.explain(folder.run, end, asked, gateway=gateway)
        return self._taken(work, folder, result, over_budget=asked == "budget")

    def _order(self, work: Work, folder: Folder, device: str) -> Order:
        settings = self.post.settings
        memory = settings.child_memory_bytes if device == "cpu" else 0
        return Order(
            argv=[*self.post.command, str(folder.run)],
            run=str(folder.run),
            root=str(folder.root),
            lease=settings.lease_seconds * (1 - MARGIN),
            grace=settings.stop_seconds,
            visible=visible(self.post.code),
            limits=limits(memory, INSPECTION_LIMIT if work.verb == "inspect" and not memory else 0),
            environment=environment(settings.threads),
            counts=counts(),
        )

    def _watch(self, child: Child, work: Work, heartbeat: Heartbeat, scribe: Scribe) -> str | None:
        """Until the child has ended. Returns why it was asked to stop, None if it was not."""
        asked: str | None = None
        while not child.wait(LOOK):
            now = time.monotonic()
            if scribe.refused is not None:
                child.kill()  # nobody reads it any more: it may wait for ever
            if heartbeat.lost or now >= heartbeat.until - MARGIN * self.post.settings.lease_seconds:
                child.kill()
                asked = asked or "lease"
            reason = self._reason(now, work, heartbeat, scribe)
            if reason is not None and asked is None:
                asked = reason
                self.log.info("child_asked_to_stop", reason=reason)
                child.stop()
        return asked

    def _reason(self, now: float, work: Work, heartbeat: Heartbeat, scribe: Scribe) -> str | None:
        """Why the child should stop now."""
        pulse = heartbeat.pulse
        if self.post.stopping.is_set():
            return "shutdown"
        if scribe.full is not None:
            return "disk_full"
        if pulse.intent in (Intent.PAUSE, Intent.CANCEL):
            return pulse.intent
        if pulse.halt is not None:
            return pulse.halt
        if work.divisible and heartbeat.over_budget(now) and (work.optional or scribe.checkpointed):
            return "budget"
        return None

    def _taken(self, work: Work, folder: Folder, result: Result, *, over_budget: bool) -> Outcome:
        """The outcome with everything in storage that it names."""
        outputs: dict[str, dict[str, Any]] = {}
        try:
            if result.status != "failed" and result.outputs:
                outputs = intake.store(folder.run / OUTPUTS, folder.staged, self.shelf)
            verify(work, result, outputs)
        except (intake.Untrusted, FileNotFoundError) as error:
            result, outputs = retry.invalid(str(error)), {}
        log = intake.store_log(folder.run, folder.staged, self.shelf)
        return Outcome(result=result, outputs=outputs, log=log, over_budget=over_budget)

    def _finish(self, outcome: Outcome, heartbeat: Heartbeat) -> set[str]:
        """Writes the end, for as long as it takes while the database is away. Returns queues to ring."""
        result = outcome.result
        why = {"code": result.error.code, "error": result.error.message} if result.error else {}
        self.log.info("step_ended", status=result.status, seconds=round(result.seconds, 3), **why)
        while not heartbeat.lost:
            try:
                return self.post.ledger.finish(self.grip, outcome, self.post.patience)
            except Away as error:
                self.log.warning("database_away", error=str(error))
                if self.post.stopping.wait(AGAIN):
                    break
            except Exception:
                if outcome is UNWRITABLE:
                    raise
                self.log.exception("end_not_written")
                outcome = UNWRITABLE
        return set()
