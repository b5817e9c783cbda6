"""The stored files that a step reads, by their path under `inputs/`."""

from spec import rows, tokenizer
from spec.distillation import Distillation
from spec.facts import Facts, StoredFile
from spec.params import TeacherInput
from spec.signature import teachers


def teacher_inputs(job: Distillation, facts: Facts) -> tuple[TeacherInput, ...]:
    """What a step must know of its teachers; labels that they saw, licence and terms change no score, and are in no key."""
    untold = {"labels_seen": None, "licence": None, "taught_under": ()}
    held = [facts.model_copy(update=untold) for facts in teachers(job, facts)]
    return tuple(TeacherInput(path=f"teacher.{i}", facts=facts) for i, facts in enumerate(held))


def teacher_files(job: Distillation, facts: Facts) -> dict[str, StoredFile]:
    return {
        f"teacher.{i}/{name}": file
        for i, held in enumerate(teachers(job, facts))
        for name, file in sorted(held.files.items())
    }


def tokenizer_files(job: Distillation, facts: Facts) -> dict[str, StoredFile]:
    """The uploaded tokenizer, where there is one."""
    called = tokenizer.named(job)
    if called is None:
        return {}
    known = facts.tokenizers[called]
    return {f"tokenizer/{tokenizer.FILE}": StoredFile(digest=known.digest, bytes=known.bytes)}


def row_files(job: Distillation, facts: Facts, *parts: str) -> dict[str, StoredFile]:
    """The splits among `parts` that the job has apart, as `<part>/rows.arrow`."""
    named = [*rows.row_sets(job, facts), rows.signals(job, facts)]
    return {
        f"{one.part}/rows.arrow": StoredFile(digest=one.facts.digest, bytes=one.facts.bytes)
        for one in named
        if one is not None and one.part in parts
    }
