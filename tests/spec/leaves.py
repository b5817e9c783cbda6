"""One case a leaf of the spec: what it starts from, and the one value that is changed."""

from typing import Any

from tests.spec.builders import ABSENT, LABELS_ONLY

Changes = dict[str, Any]
SIGNALS: Changes = {"teacher": {"signals": "ds_signals"}, "evaluation.baselines": ["no_teacher"]}
MLP: Changes = {"student": {"type": "mlp", "hidden_sizes": [32]}}
BAG: Changes = {
    "teacher": None,
    "data": {"train": "ds_texts/train", "heldout": "ds_texts/test"},
    "student": {"type": "text_classifier", "width": 16},
    "objective": [{"type": "labels"}],
    "evaluation": {},
}
ENCODER: Changes = BAG | {"student": {"type": "text_encoder", "width": 16}}
BROUGHT: Changes = ENCODER | {"student.tokenizer": "file-tokens"}
PAIRS: Changes = BAG | {
    "data": {"train": "ds_pairs/train", "heldout": "ds_pairs/test", "columns": {"input": ["query", "passage"]}}
}
ASKED: Changes = {
    "teacher": {"models": ["ep_open/large"]},
    "data": {
        "train": "ds_texts/train",
        "heldout": "ds_texts/test",
        "responses": {"type": "teacher", "read": "text", "sampling": {"max_tokens": 8}},
    },
    "student": {"type": "text_classifier", "width": 16},
    "objective": [{"type": "labels"}],
    "evaluation": {},
}
CHOICES: Changes = ASKED | {"data.responses.choices": list("9876543210")}
VOTES: Changes = ASKED | {"data.responses.read": "votes", "data.responses.sampling.n": 5}
FILTERS: dict[str, Changes] = {
    "length": {"max": 40},
    "regex": {"pattern": "a"},
    "json_schema": {"schema": {"type": "string"}},
    "agreement": {"least": 0.6},
    "judge": {"model": "ep_open/large", "question": "Is {text} {answer}?", "sampling": {"max_tokens": 2}},
}


def kept(type: str, **more: Any) -> Changes:
    """Votes that one filter is to pass."""
    return VOTES | {"data.responses.keep": [{"type": type, **FILTERS[type], **more}]}


def of_filter(type: str, name: str, value: Any) -> tuple[str, tuple[Changes, Changes]]:
    """The case of a field that one filter has."""
    return f"data.responses.teacher.keep[].{type}.{name}", (kept(type), {f"data.responses.keep.0.{name}": value})


def of_condition(type: str) -> dict[str, tuple[Changes, Changes]]:
    """The cases of a filter's condition."""
    where, changed = f"data.responses.teacher.keep[].{type}.where", "data.responses.keep.0.where"
    among, barred = ({"column": "label", name: [7]} for name in ("among", "not_among"))
    return {
        f"{where}.column": (kept(type, where=among), {f"{changed}.column": "text"}),
        f"{where}.among[]": (kept(type, where=among), {f"{changed}.among.0": 8}),
        f"{where}.not_among[]": (kept(type, where=barred), {f"{changed}.not_among.0": 8}),
    }


WRITTEN: Changes = ASKED | {"data.synthesise": {"rows": 50, "instruction": "Write {count}.", "most_calls": 30}}
WRITTEN_AT: Changes = WRITTEN | {"data.synthesise.sampling": {"temperature": 0.7, "top_p": 0.5, "max_tokens": 500}}
WITHOUT_3: Changes = {"data.where": [{"column": "label", "not_among": [3]}]}
JITTER: Changes = {"data.augment": {"type": "jitter", "pixels": 0.5, "copies": 2}}
WORDS: Changes = ASKED | {"data.augment": {"type": "words", "copies": 2, "drop": 0.2, "ngram": 0.5}}
EPOCHS: Changes = {"training.steps": ABSENT, "training.epochs": 2.0}
F1: Changes = {"evaluation.graders": [{"type": "f1"}]}

CASES: dict[str, tuple[Changes, Changes]] = {
    "teacher.models[]": ({}, {"teacher.models.2": "mdl_x"}),
    "teacher.signals": (SIGNALS, {"teacher.signals": "ds_signals/other"}),
    "teacher.weights": ({"teacher.weights": [1.0, 2.0, 3.0]}, {"teacher.weights": "auto"}),
    "teacher.weights[]": ({"teacher.weights": [1.0, 2.0, 3.0]}, {"teacher.weights.0": 4.0}),
    "teacher.combine": ({}, {"teacher.combine": "arithmetic"}),
    "teacher.accept_terms": (ASKED | {"teacher.models": ["ep_closed/large"]}, {"teacher.accept_terms": True}),
    "teacher.batch": (ASKED, {"teacher.batch": True}),
    "data.train": ({}, {"data.train": "ds_more/train"}),
    "data.heldout": ({}, {"data.heldout": 0.2}),
    "data.validation": ({}, {"data.validation": 0.2}),
    "data.seed": ({"data.heldout": 0.2}, {"data.seed": 3}),
    "data.share": ({}, {"data.share": 0.5}),
    "data.labelled": ({}, {"data.labelled": 0.5}),
    "data.where[].column": (WITHOUT_3, {"data.where.0.column": "form"}),
    "data.where[].among[]": ({"data.where": [{"column": "label", "among": [7, 8]}]}, {"data.where.0.among.0": 3}),
    "data.where[].not_among[]": (WITHOUT_3, {"data.where.0.not_among.0": 4}),
    "data.augment.jitter.type": (JITTER, {"data.augment.type": "words"}),
    "data.augment.jitter.pixels": (JITTER, {"data.augment.pixels": 1.0}),
    "data.augment.jitter.rotation": (JITTER, {"data.augment.rotation": 0.1}),
    "data.augment.jitter.scale": (JITTER, {"data.augment.scale": 0.1}),
    "data.augment.jitter.copies": (JITTER, {"data.augment.copies": 3}),
    "data.augment.words.type": (WORDS, {"data.augment.type": "jitter"}),
    "data.augment.words.copies": (WORDS, {"data.augment.copies": 3}),
    "data.augment.words.drop": (WORDS, {"data.augment.drop": 0.1}),
    "data.augment.words.ngram": (WORDS, {"data.augment.ngram": 0.25}),
    "data.columns.input": ({}, {"data.columns.input": "again"}),
    "data.columns.input[]": (PAIRS, {"data.columns.input.0": "title"}),
    "data.columns.label": ({}, {"data.columns.label": "other"}),
    "data.columns.group": ({}, {"data.columns.group": "form"}),
    "data.columns.id": ({}, {"data.columns.id": None}),
    "data.responses.given.type": ({"data.responses": {"type": "given"}}, {"data.responses.type": "teacher"}),
    "data.responses.teacher.type": (ASKED, {"data.responses.type": "given"}),
    "data.responses.teacher.prompt.system": (ASKED, {"data.responses.prompt.system": "Which digit?"}),
    "data.responses.teacher.prompt.template": (ASKED, {"data.responses.prompt.template": "Text: {text}"}),
    "data.responses.teacher.prompt.examples": (ASKED, {"data.responses.prompt.examples": "auto"}),
    "data.responses.teacher.choices": (CHOICES, {"data.responses.choices": "auto"}),
    "data.responses.teacher.choices[]": (CHOICES, {"data.responses.choices.0": "ten"}),
    "data.responses.teacher.read": (ASKED, {"data.responses.read": "logprobs"}),
    "data.responses.teacher.structured": (ASKED, {"data.responses.structured": True}),
    "data.responses.teacher.sampling.temperature": (ASKED, {"data.responses.sampling.temperature": 0.7}),
    "data.responses.teacher.sampling.top_p": (ASKED, {"data.responses.sampling.top_p": 0.9}),
    "data.responses.teacher.sampling.max_tokens": (ASKED, {"data.responses.sampling.max_tokens": 9}),
    "data.responses.teacher.sampling.n": (ASKED, {"data.responses.sampling.n": 3}),
    "data.responses.teacher.sampling.seed": (ASKED, {"data.responses.sampling.seed": 4}),
    **dict(
        [
            of_filter("length", "type", "regex"),
            of_filter("length", "min", 2),
            of_filter("length", "max", 41),
            of_filter("length", "unit", "words"),
            of_filter("regex", "type", "length"),
            of_filter("regex", "pattern", "b"),
            of_filter("regex", "match", "full"),
            of_filter("json_schema", "type", "regex"),
            of_filter("agreement", "type", "length"),
            of_filter("agreement", "least", 0.8),
            of_filter("judge", "type", "length"),
            of_filter("judge", "model", "ep_open/small"),
            of_filter("judge", "question", "Is it {answer}? {text}"),
            of_filter("judge", "sampling.temperature", 0.7),
            of_filter("judge", "sampling.top_p", 0.9),
            of_filter("judge", "sampling.max_tokens", 3),
            of_filter("judge", "sampling.n", 3),
            of_filter("judge", "sampling.seed", 4),
        ]
    ),
    **{leaf: case for type in FILTERS for leaf, case in of_condition(type).items()},
    "data.responses.teacher.keep[].json_schema.schema{}": (
        kept("json_schema"),
        {"data.responses.keep.0.schema": {"type": "object"}},
    ),
    "data.synthesise.rows": (WRITTEN, {"data.synthesise.rows": 51}),
    "data.synthesise.examples": (WRITTEN, {"data.synthesise.examples": 4}),
    "data.synthesise.per_call": (WRITTEN, {"data.synthesise.per_call": 9}),
    "data.synthesise.similarity": (WRITTEN, {"data.synthesise.similarity": 0.6}),
    "data.synthesise.instruction": (WRITTEN, {"data.synthesise.instruction": "auto"}),
    "data.synthesise.sampling.temperature": (WRITTEN_AT, {"data.synthesise.sampling.temperature": 1.0}),
    "data.synthesise.sampling.top_p": (WRITTEN_AT, {"data.synthesise.sampling.top_p": 0.9}),
    "data.synthesise.sampling.max_tokens": (WRITTEN_AT, {"data.synthesise.sampling.max_tokens": 600}),
    "data.synthesise.seed": (WRITTEN, {"data.synthesise.seed": 1}),
    "data.synthesise.most_calls": (WRITTEN, {"data.synthesise.most_calls": "auto"}),
    "data.allow_overlap": ({"data.heldout": "ds_digits/train"}, {"data.allow_overlap": True}),
    "student.mlp.type": (MLP, {"student.type": "convnet"}),
    "student.mlp.hidden_sizes[]": (MLP, {"student.hidden_sizes.0": 33}),
    "student.mlp.norm": (MLP, {"student.norm": "layer"}),
    "student.mlp.dropout": (MLP, {"student.dropout": 0.5}),
    "student.mlp.max_norm": (MLP, {"student.max_norm": 3.0}),
    "student.mlp.normalise": (MLP, {"student.normalise": False}),
    "student.convnet.type": ({}, {"student.type": "mlp"}),
    "student.convnet.channels[]": ({}, {"student.channels.1": 17}),
    "student.convnet.hidden": ({}, {"student.hidden": 17}),
    "student.convnet.norm": ({}, {"student.norm": "none"}),
    "student.convnet.dropout": ({}, {"student.dropout": 0.5}),
    "student.convnet.normalise": ({}, {"student.normalise": False}),
    "student.text_classifier.type": (BAG, {"student.type": "mlp"}),
    "student.text_classifier.width": (BAG, {"student.width": 17}),
    "student.text_classifier.buckets": (BAG, {"student.buckets": 1000}),
    "student.text_classifier.word_ngrams": (BAG, {"student.word_ngrams": 1}),
    "student.text_classifier.byte_ngrams[]": (BAG | {"student.byte_ngrams": [3]}, {"student.byte_ngrams.0": 4}),
    "student.text_classifier.pooling": (BAG, {"student.pooling": "sqrt"}),
    "student.text_classifier.dropout": (BAG, {"student.dropout": 0.5}),
    "student.text_classifier.max_bytes": (BAG, {"student.max_bytes": 99}),
    "student.text_encoder.type": (ENCODER, {"student.type": "text_classifier"}),
    "student.text_encoder.width": (ENCODER, {"student.width": 32}),
    "student.text_encoder.layers": (ENCODER, {"student.layers": 3}),
    "student.text_encoder.heads": (ENCODER, {"student.heads": 2}),
    "student.text_encoder.max_tokens": (ENCODER, {"student.max_tokens": 99}),
    "student.text_encoder.tokenizer": (BROUGHT, {"student.tokenizer": None}),
    "student.text_encoder.vocabulary": (ENCODER, {"student.vocabulary": 1000}),
    "student.text_encoder.dropout": (ENCODER, {"student.dropout": 0.5}),
    "objective[].soft_targets.type": ({"objective.0": {"type": "soft_targets"}}, {"objective.0.type": "labels"}),
    "objective[].soft_targets.weight": ({}, {"objective.0.weight": 0.8}),
    "objective[].soft_targets.temperature": ({}, {"objective.0.temperature": 20.0}),
    "objective[].soft_targets.balance": ({}, {"objective.0.balance": "inverse_frequency"}),
    "objective[].labels.type": ({}, {"objective.1.type": "soft_targets"}),
    "objective[].labels.balance": ({}, {"objective.1.balance": "inverse_frequency"}),
    "objective[].labels.weight": ({}, {"objective.1.weight": 0.2}),
    "training.epochs": (EPOCHS, {"training.epochs": 3.0}),
    "training.steps": ({}, {"training.steps": 1000}),
    "training.batch_size": ({}, {"training.batch_size": 32}),
    "training.learning_rate": ({}, {"training.learning_rate": 0.01}),
    "training.optimizer": ({}, {"training.optimizer": "sgd"}),
    "training.schedule": ({}, {"training.schedule": "cosine"}),
    "training.weight_decay": ({}, {"training.weight_decay": 0.1}),
    "training.seed": ({}, {"training.seed": 7}),
    "training.precision": ({}, {"training.precision": "bfloat16"}),
    "training.select": ({}, {"training.select": "best"}),
    "training.bias_correction": (WITHOUT_3, {"training.bias_correction": True}),
    "evaluation.graders": (F1, {"evaluation.graders": "auto"}),
    "evaluation.graders[].accuracy.type": ({}, {"evaluation.graders.0.type": "f1"}),
    "evaluation.graders[].f1.type": (F1, {"evaluation.graders.0.type": "accuracy"}),
    "evaluation.graders[].f1.average": (F1, {"evaluation.graders.0.average": "micro"}),
    "evaluation.graders[].nll.type": ({}, {"evaluation.graders.1.type": "f1"}),
    "evaluation.graders[].calibration.type": ({}, {"evaluation.graders.2.type": "f1"}),
    "evaluation.graders[].calibration.bins": ({}, {"evaluation.graders.2.bins": 15}),
    "evaluation.baselines": ({}, {"evaluation.baselines": "auto"}),
    "evaluation.baselines[]": ({}, {"evaluation.baselines.1": "untrained"}),
    "evaluation.contract.retention": ({}, {"evaluation.contract.retention": 0.9}),
    "evaluation.contract.lift": ({}, {"evaluation.contract.lift": 0.02}),
    "budget.preview": (ASKED, {"budget.preview": 20}),
    "budget.usd": (ASKED, {"budget.usd": 0.000001}),
    "budget.hours": (LABELS_ONLY, {"budget.hours": 0.0001}),
}
