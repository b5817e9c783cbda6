"""`synthesise`: has a teacher write new training texts from examples of the old ones (Self-Instruct, Wang et al. 2022, section 2).

Calls go in rounds, and the replies of a round are taken in the order of its calls, so that the texts hang on the inputs and on what the
teacher says, never on who answered first. Nothing is kept here: the gateway keeps every reply before it tells it.
"""

import json
from collections.abc import Iterable
from math import ceil

import numpy as np
import pyarrow as pa

from distill.answers.asker import OVER_BUDGET, Asker, Closed, connected
from distill.answers.side import LOT
from distill.data.draw import Division, divide
from distill.data.extended import extend
from distill.data.rows import Ints, Rows
from distill.progress import Progress
from distill.report.asked import NearDuplicate, Synthesised
from distill.run import RunFolder
from distill.synthesis.examples import Examples
from distill.synthesis.pool import Pool
from distill.synthesis.replies import read
from spec.gateway import Told
from spec.outcomes import TEXTS
from spec.params import SynthesiseParams
from spec.problem import Problem, Refused
from spec.run import Result

ROUND = 32
"""Calls of a round, at most."""
SHOWN = 8
"""Texts that the report shows, of those that were kept and of those that were not."""


def run(folder: RunFolder, params: SynthesiseParams) -> Result:
    """Refused: `no_gateway` (typed by a person), `no_texts` where the teacher wrote none that could be kept."""
    rows = Rows.open(folder.input("train/rows.arrow"), params.take.roles)
    division = divide(rows, params.take)
    writing = Writing(folder, params, rows, division)
    asker = connected(folder)
    writing.until_enough(asker)
    asker.close()
    if folder.stop_requested or asker.stopped not in (None, OVER_BUDGET):
        return Result(status="stopped")
    cut = asker.stopped == OVER_BUDGET
    found = writing.figures(cut=cut)
    if not found.kept and not cut:
        message = f"The teacher wrote no text that could be kept ({found.calls:,} calls, {found.said:,} texts, {found.unparseable:,} unparseable)."
        hint = f"Look at the instruction, max_tokens and similarity. {writing.said}"
        raise Refused(Problem(code="no_texts", message=message, param="data.synthesise", hint=hint))
    extend(folder.output("rows.arrow"), rows, writing.pool.kept)
    folder.output("synthesis.json").write_text(found.model_dump_json(indent=1), encoding="utf-8")
    folder.message(sentence(found), level="info" if found.kept == found.wanted else "warning")
    summary = found.model_dump(include={"wanted", "kept", "calls", "said", "near", "unparseable"})
    return Result(status="stopped" if cut else "succeeded", summary=summary, passing=writing.passing)


class Writing:
    """Rounds of calls, and what came of them."""

    def __init__(self, folder: RunFolder, params: SynthesiseParams, rows: Rows, division: Division) -> None:
        self._folder, self._params = folder, params
        self._examples = Examples(params.question, params.seed, texts_of(rows, division.train))
        judged = np.concatenate([division.heldout, division.validation])
        apart = [text for name in ("heldout", "validation") for text in _apart(folder, params, name)]
        self.pool = Pool(
            params.similarity,
            params.rows,
            heldout=[*texts_of(rows, judged), *apart],
            train=texts_of(rows, np.setdiff1d(np.arange(rows.count), judged)),
        )
        self._calls = self._failed = self._unparseable = 0
        self._dropped: list[NearDuplicate] = []
        self.passing = 0
        """Calls that failed for reasons that may pass."""
        self.said = ""
        """The beginning of the first reply, or of the first failure."""
        self._progress = Progress(folder, start=0, total=params.rows, unit="texts", rows=1.0)

    def until_enough(self, asker: Asker) -> None:
        """Until enough texts are kept, no call is left, nothing more is answered, or a lot of calls has brought no text."""
        with self._folder.output(TEXTS).open("w", encoding="utf-8") as log:
            while self._wanting and asker.stopped is None:
                number = min(
                    ROUND,
                    ceil(self.pool.missing / self._params.question.per_call),
                    self._params.most_calls - self._calls,
                )
                told = self._round(asker, range(self._calls, self._calls + number))
                if self._folder.stop_requested or asker.stopped not in (None, OVER_BUDGET):
                    return
                for call in sorted(told):
                    log.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in self._take(told[call]))
                self._calls += len(told)
                self._progress.tell(len(self.pool.kept))

    @property
    def _wanting(self) -> bool:
        hopeless = not self.pool.fates and self._calls - self.passing >= LOT
        return self.pool.missing > 0 and self._calls < self._params.most_calls and not hopeless

    def _round(self, asker: Asker, calls: range) -> dict[int, Told]:
        """Replies by call; fewer where it was stopped."""
        questions = zip(calls, self._examples.messages(calls, self.pool.kept), strict=True)
        try:
            return {told.id: told for told in asker.ask(iter(questions), lambda: self._folder.stop_requested)}
        except Closed as error:
            raise ConnectionError("the gateway was closed") from error

    def _take(self, told: Told) -> Iterable[dict[str, object]]:
        """The texts of one reply, each with its fate."""
        began = told.answers[0].text if told.answers else f"{told.failed}: {told.message}"
        self.said = self.said or f"The first reply began: {began[:200]}"
        self.passing += told.passing
        if not told.answers:
            self._failed += 1
            return
        reading = read(told.answers[0])
        self._unparseable += reading.unparseable
        for text in reading.texts:
            fate = self.pool.take(text)
            if fate in ("heldout", "train", "new") and len(self._dropped) < SHOWN:
                self._dropped.append(NearDuplicate(text=text, near=fate))
            yield {"call": told.id, "fate": fate, "text": text}

    def figures(self, *, cut: bool) -> Synthesised:
        fates, params = self.pool.fates, self._params
        return Synthesised(
            model=params.question.model,
            wanted=params.rows,
            examples=params.question.examples,
            similarity=params.similarity,
            calls=self._calls,
            failed=self._failed,
            said=fates.total(),
            kept=fates["kept"],
            near={side: fates[side] for side in ("heldout", "train", "new")},
            spare=fates["spare"],
            unparseable=self._unparseable,
            cut=cut,
            first=tuple(self.pool.kept[:SHOWN]),
            dropped=tuple(self._dropped),
        )


def texts_of(rows: Rows, which: Ints) -> list[str]:
    """Inputs of the rows that have one."""
    (name,) = rows.roles.inputs
    return [text for text in rows.texts(name).take(pa.array(which)).to_pylist() if text]


def _apart(folder: RunFolder, params: SynthesiseParams, name: str) -> list[str]:
    """Held-out or validation rows that are a file of their own."""
    path = folder.input(f"{name}/rows.arrow")
    if not path.exists():
        return []
    rows = Rows.open(path, params.take.roles)
    return texts_of(rows, np.arange(rows.count, dtype=np.int64))


def sentence(found: Synthesised) -> str:
    """What came of it, in words."""
    near = sum(found.near.values())
    reason = " The cap ended it." if found.cut else "" if found.kept == found.wanted else " No call was left."
    return (
        f"{found.kept:,} of {found.wanted:,} new texts in {found.calls:,} calls: {found.said:,} came, {near:,} were near-duplicates "
        f"({found.near['heldout']:,} of held-out rows), {found.unparseable:,} lines were no text.{reason}"
    )
