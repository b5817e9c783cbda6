"""A tokenizer that the user brings: what it decides, and what is named after its bytes alone."""

from spec.digest import model_digest
from spec.errors import parse
from spec.facts import ColumnFacts, Facts, InputSignature, OutputSignature, Roles, Signature, TokenizerFacts
from spec.params import PackageParams, TrainParams
from spec.resolve import resolve
from spec.student import TextClassifier, TextEncoder
from spec.tensors import parameters, tensors
from tests.spec.builders import dataset, facts, job, names
from tests.spec.keyed import keys, steps

TEXTS = dataset(
    columns={"text": ColumnFacts(kind="text", dtype="str"), "label": names()}, roles=Roles(input="text", label="label")
)
DIGEST = "d1" * 32


def known(**tokenizers: TokenizerFacts) -> Facts:
    return facts(datasets={"ds_texts": TEXTS}, tokenizers={f"file-{name}": one for name, one in tokenizers.items()})


def told(digest: str = DIGEST, vocabulary: int = 30_522) -> TokenizerFacts:
    return TokenizerFacts(digest=digest, bytes=466_247, vocabulary=vocabulary)


def brought(name: str | None, **student: object) -> dict[str, object]:
    made = {"type": "text_encoder", "width": 16, "tokenizer": name and f"file-{name}"} | student
    data = {"train": "ds_texts/train", "heldout": "ds_texts/test"}
    return {"teacher": None, "data": data, "student": made, "objective": [{"type": "labels"}], "evaluation": {}}


def test_the_vocabulary_is_the_files_and_can_be_posted_again() -> None:
    all_of_it = known(a=told())
    resolved = resolve(job(brought("a")), all_of_it)
    assert isinstance(resolved.student, TextEncoder)
    assert (resolved.student.vocabulary, resolved.student.tokenizer) == (30_524, "file-a")
    assert resolve(parse(resolved.model_dump(mode="json")), all_of_it) == resolved
    small = resolve(job(brought("a")), known(a=told(vocabulary=100))).student
    assert isinstance(small, TextEncoder) and small.vocabulary == 512


def test_steps_know_it_by_its_digest() -> None:
    made = steps(job(brought("a")), known(a=told()))
    student = TrainParams.model_validate(made["train"].params).student
    assert isinstance(student, TextEncoder) and student.tokenizer == DIGEST
    assert made["train"].inputs["tokenizer/tokenizer.json"].digest == DIGEST
    assert PackageParams.model_validate(made["package"].params).student == student
    assert [name for name, step in made.items() if "tokenizer/tokenizer.json" in step.inputs] == ["train"]


def test_equal_bytes_are_one_tokenizer_and_others_are_another() -> None:
    all_of_it = known(a=told(), b=told(), c=told("e2" * 32))
    first, same, other = (keys(job(brought(name)), all_of_it) for name in "abc")
    named = {"package"}  # its manifest has the spec as it was posted, and it is done for every job
    assert {k: v for k, v in first.items() if k not in named} == {k: v for k, v in same.items() if k not in named}
    assert not set(first.values()) & set(other.values())


def test_a_brought_tokenizer_is_no_tensor_and_learned_ones_keep_their_digests() -> None:
    learned, brought_one = (
        TextEncoder(type="text_encoder", width=16, vocabulary=1024, tokenizer=named) for named in (None, DIGEST)
    )
    assert "tokens.merges" in tensors(learned, (), 3) and "tokens.merges" not in tensors(brought_one, (), 3)
    assert parameters(learned, (), 3) == parameters(brought_one, (), 3)
    output = OutputSignature(kind="classes", classes=("a", "b"))
    signature = Signature(input=InputSignature(kind="text", shape=(), dtype="str"), output=output)
    assert model_digest("w", learned, signature) == "c76f2d67fc625e27a561f454a150d174d86a237da1ed8ed96362eeaa8fe4adf0"
    assert model_digest("w", brought_one, signature) != model_digest("w", learned, signature)


def test_a_bag_has_the_digest_that_it_had_before_it_could_pool_otherwise() -> None:
    output = OutputSignature(kind="classes", classes=("a", "b"))
    signature = Signature(input=InputSignature(kind="text", shape=(), dtype="str"), output=output)
    plain, pooled, dropped = (
        model_digest("w", TextClassifier(type="text_classifier", width=16, **more), signature)
        for more in ({}, {"pooling": "sqrt"}, {"dropout": 0.1})
    )
    assert plain == "1b55f3ad6a12ae899ca9a4cd1372479a584f6ee0fcb2f6502e335e3f05d2c68e"
    assert len({plain, pooled, dropped}) == 3
