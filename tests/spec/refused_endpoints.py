"""Jobs with a teacher behind an endpoint that the rules refuse, in the form of refused.py."""

from typing import Any

from spec.facts import Capabilities, ColumnFacts, Facts, Roles
from spec.rules import choices, keep, named, terms, warned
from spec.rules import endpoint as rules
from spec.terms import of_host, of_licence
from tests.spec.builders import dataset, endpoint, facts, images, model, names, signals, split
from tests.spec.leaves import ASKED, SIGNALS, kept

TEXTS = dataset(
    columns={"text": ColumnFacts(kind="text", dtype="str"), "label": names(), "picture": images()},
    roles=Roles(input="text", label="label"),
)


def known(**more: Any) -> Facts:
    return facts(datasets={"ds_texts": TEXTS}, endpoints={"ep_open": endpoint(**more)})


def labelled(*labels: str, several: bool = False) -> Facts:
    """Training and held-out rows with these labels, half of them on either side."""
    column = TEXTS.columns["label"].model_copy(update={"kind": "classes" if several else "class"})
    half = len(labels) // 2
    sides = {
        "train": split("train", 1029, labels=dict.fromkeys(labels[:half], 9)),
        "test": split("test", 768, labels=dict.fromkeys(labels[half:], 9)),
    }
    return facts(
        datasets={"ds_texts": dataset(sides, TEXTS.columns | {"label": column}, TEXTS.roles)},
        endpoints={"ep_open": endpoint()},
    )


def odd() -> Facts:
    """Columns whose names are no identifiers, of which held-out rows of their own lack one."""
    text = ColumnFacts(kind="text", dtype="str")
    columns = {"text": text, "Review Text": text, "a {brace}": text, "Its label": names()}
    rows = dataset(columns=columns, roles=Roles(input="Review Text", label="Its label"))
    fewer = dataset(columns={"text": text, "Its label": names()}, roles=Roles(input="text", label="Its label"))
    return facts(datasets={"ds_texts": rows, "ds_fewer": fewer}, endpoints={"ep_open": endpoint()})


KEEP = "data.responses.keep[0]"
SAMPLING, PROMPT = "data.responses.sampling", "data.responses.prompt"
# fmt: off
ENDPOINTS: list[Any] = [
    (rules.one_kind_of_teacher, ASKED | {"teacher.models": ["ep_open/large", "mdl_x"]}, known(),
      [("teacher.models[0]", "one_endpoint", "ep_open/large is behind an endpoint, and the job names 2 teachers.")]),
    (rules.endpoints_answer, ASKED | {"data.responses": {"type": "given"}}, known(),
      [("data.responses", "endpoint_answers", "A model behind an endpoint cannot score given rows: it can only answer.")]),
    (rules.endpoints_answer, ASKED | {"teacher": {"models": ["mdl_x"]}}, known(),
      [("data.responses", "nobody_answers", "data.responses asks the teacher for answers, and no teacher is behind an endpoint.")]),
    (rules.model_is_served, ASKED | {"teacher": {"models": ["ep_open/larger"]}}, known(),
      [("teacher.models[0]", "no_such_model", 'ep_open serves no model "larger".')]),
    (rules.what_was_not_probed_is_not_asked, ASKED | {"teacher": {"models": ["ep_open/small"]}, "data.responses.read": "logprobs", "data.responses.structured": True}, known(),
      [("data.responses.read", "not_probed", "ep_open/small was not seen to give log probabilities."),
       ("data.responses.structured", "not_probed", "ep_open/small was not seen to keep to a JSON schema.")]),
    (rules.who_is_streamed_streams, ASKED, known(streamed=True),
      [("teacher.models[0]", "not_probed", "ep_open is asked by stream, and large was not seen to stream.")]),
    (rules.batches_are_answered, {"teacher.batch": True}, known(),
      [("teacher.batch", "changes_nothing", "teacher.batch changes nothing here: no teacher is behind an endpoint.")]),
    (rules.batches_are_answered, ASKED | {"teacher.batch": True}, known(wire="anthropic"),
      [("teacher.batch", "no_batches", "ep_open speaks Anthropic's wire, on which calls are made one by one here.")]),
    (rules.batches_are_answered, ASKED | {"teacher.batch": True}, known(),
      [("teacher.batch", "not_probed", "ep_open/large was not seen to have a batch API.")]),
    (rules.reading_fits, ASKED | {"data.responses.read": "votes"}, known(),
      [(f"{SAMPLING}.n", "one_vote", "One answer is no vote: sampling.n is 1.")]),
    (rules.reading_fits, ASKED | {f"{SAMPLING}.n": 3}, known(),
      [(f"{SAMPLING}.n", "changes_nothing", "3 answers a row change nothing where text is read of one.")]),
    (rules.reading_fits, ASKED | {"data.responses.read": "logprobs", "data.responses.structured": True}, known(),
      [("data.responses.structured", "structured_logprobs", "Log probabilities are read at the first tokens of a choice, and a structured answer begins with JSON.")]),
    (choices.choices_differ, ASKED | {"data.responses.choices": ["yes", "no", "Yes "]}, known(),
      [("data.responses.choices[2]", "class_twice", '"Yes " is already choices[0], but for case.')]),
    (choices.choices_are_few_enough, ASKED, labelled(*(f"{place:04}" for place in range(1001))),
      [("data.responses.choices", "too_many_classes", "The rows have 1,001 different labels together; 1,000 are the most that a teacher chooses from.")]),
    (choices.prompt_has_room, ASKED, labelled(*(f"{place:03} {'x' * 252}" for place in range(90))),
      [(f"{PROMPT}.system", "prompt_too_long", "The system text that lists all choices has 23,295 characters; 20,000 are allowed.")]),
    (rules.template_shows_the_row, ASKED | {f"{PROMPT}.template": "Which digit?"}, known(),
      [(f"{PROMPT}.template", "template_columns", "The template shows nothing of the row: every question would be the same.")]),
    (rules.template_shows_the_row, ASKED | {f"{PROMPT}.template": "{txt}", "data.heldout": 0.1}, known(),
      [(f"{PROMPT}.template", "template_columns", 'ds_texts/train has no column "txt".')]),
    (rules.template_shows_the_row, ASKED | {f"{PROMPT}.template": "{picture}", "data.heldout": 0.1}, known(),
      [(f"{PROMPT}.template", "template_columns", 'ds_texts/train cannot be shown in words by its column "picture".')]),
    (rules.template_shows_the_row, ASKED | {f"{PROMPT}.template": "{text} {label}"}, known(),
      [(f"{PROMPT}.template", "template_shows_label", 'The template shows "label", the label: the answer would stand in the question.')]),
    (rules.template_shows_the_row, ASKED | {"data.columns.input": "picture"}, known(),
      [(f"{PROMPT}.template", "template_columns", "The input is image values, which no prompt can show.")]),
    (rules.template_shows_the_row, ASKED | {f"{PROMPT}.template": "{Review Text} {Its label} {no such} {{text}}", "data.heldout": "ds_fewer/test"}, odd(),
      [(f"{PROMPT}.template", "template_columns", 'ds_fewer/test has no column "Review Text".'),
       (f"{PROMPT}.template", "template_shows_label", 'The template shows "Its label", the label: the answer would stand in the question.')]),
    (rules.template_shows_the_row, ASKED | {"data.columns.input": ["a {brace}", "Review Text"], "data.heldout": 0.1}, odd(),
      [(f"{PROMPT}.template", "template_columns", 'No template can show column "a {brace}", whose name has braces.')]),
    (rules.examples_have_labels, ASKED | {f"{PROMPT}.examples": 64, "data.labelled": 0.05}, known(),
      [(f"{PROMPT}.examples", "too_few_examples", "64 examples are to be shown, and 51 training rows have labels that may be seen.")]),
    (rules.answers_suit_the_rows, ASKED | {"data.augment": {"type": "jitter", "pixels": 0.5, "copies": 2}}, known(),
      [("data.augment", "jitter_unscored", "The teacher answers rows, and has no answers for jittered copies.")]),
    (rules.labels_are_balanced_by_nothing, ASKED | {"training.bias_correction": True}, known(),
      [("training.bias_correction", "changes_nothing", "bias_correction is for classes that the rows lack; the teacher answers with any of them.")]),
    (rules.cap_bounds_a_call, ASKED | {"budget": {"usd": 5.0}, f"{SAMPLING}.max_tokens": None}, known(),
      [(f"{SAMPLING}.max_tokens", "unbounded_answers", "A cap in dollars needs a bound for each answer, and sampling.max_tokens is null.")]),
    (rules.cap_has_something_to_pay, ASKED | {"budget": {"usd": 5.0}}, known(price=None),
      [("budget.usd", "price_unknown", "ep_open has no price, so a cap in dollars cannot be held.")]),
    (terms.terms_are_accepted, ASKED, known(terms=of_host("api.anthropic.com"), licence="LLAMA2"),
      [("teacher.accept_terms", "terms_not_accepted", "Forbidden by the Llama 2 community licence (of 2023-07-18), under which ep_open/large stands: using outputs to improve any other large language model."),
       ("teacher.accept_terms", "terms_not_accepted", "Forbidden by Anthropic's commercial terms (of 2025-06-17), under which ep_open/large stands: building a competing product or service, training competing AI models included.")]),
    (terms.terms_are_accepted, {}, facts(models={"mdl_y": model().model_copy(update={"licence": "CC-BY-NC-4.0"}), "mdl_z": model().model_copy(update={"taught_under": of_licence("llama3")})}),
      [("teacher.accept_terms", "terms_not_accepted", f"Forbidden by CC BY-NC 4.0 (of 2013-11-25), under which mdl_y stands: {of_licence('cc-by-nc-4.0')[0].forbids}."),
       ("teacher.accept_terms", "terms_not_accepted", "Forbidden by the Llama 3 community licence (of 2024-04-18), under which mdl_z stands: using outputs to improve any other large language model.")]),
    *((terms.terms_are_accepted, changes | {"teacher.accept_terms": True}, facts_known,
       [("teacher.accept_terms", "changes_nothing", "teacher.accept_terms changes nothing here: no terms are known that ask for it.")])
      for changes, facts_known in [(ASKED, known()), (ASKED, known(licence="llama3.1")), (SIGNALS, facts(datasets={"ds_signals": signals()})),
                                   ({}, facts(models={"mdl_y": model().model_copy(update={"licence": "my own"})}))]),
    (rules.preview_has_answers, ASKED | {"data.responses": {"type": "given"}, "budget": {"preview": 20}}, known(),
      [("budget.preview", "changes_nothing", "budget.preview changes nothing here: no teacher answers.")]),
    (keep.filters_have_conditions, kept("length", where={"column": "lable", "among": ["1"]}), known(),
      [(f"{KEEP}.where.column", "no_such_column", 'ds_texts/train has no column "lable".')]),
    (keep.filters_have_conditions, kept("length", where={"column": "label", "among": ["x"], "not_among": ["1"]}), known(),
      [(f"{KEEP}.where", "condition_lists", "The condition on label has both among and not_among; give one of among and not_among."),
       (f"{KEEP}.where.among[0]", "no_such_value", 'No row has "x" in column "label".')]),
    (keep.lengths_have_bounds, kept("length", max=None), known(),
      [(KEEP, "changes_nothing", "Every answer has a length of at least 0: without min or max the filter drops nothing.")]),
    (keep.lengths_have_bounds, kept("length", min=50), known(),
      [(f"{KEEP}.min", "length_bounds", "No answer has at least 50 and at most 40 characters.")]),
    (keep.patterns_can_be_read, kept("regex", pattern="ab(c"), known(),
      [(f"{KEEP}.pattern", "pattern_invalid", "The pattern cannot be read, at character 3: missing ), unterminated subpattern.")]),
    (keep.patterns_can_be_read, kept("regex", pattern="(" * 490 + "a" + ")" * 490), known(),
      [(f"{KEEP}.pattern", "pattern_invalid", "The pattern cannot be read: it is too deep, or repeats too often.")]),
    (keep.patterns_can_be_read, kept("regex", pattern="(?i)[\u0100-\uffff]"), known(),
      [(f"{KEEP}.pattern", "pattern_invalid", "Where case is ignored, ranges may have 512 characters together at most.")]),
    (keep.schemas_are_schemas, kept("json_schema", schema={"pattern": "a{99999999999}"}), known(),
      [(f"{KEEP}.schema", "schema_invalid", 'This is no schema to use here. "a{99999999999}": The pattern cannot be read: it is too deep, or repeats too often.')]),
    (keep.schemas_are_schemas, kept("json_schema", schema={"$ref": "#"}), known(),
      [(f"{KEEP}.schema", "schema_invalid", 'This is no schema to use here. "#" leads back to itself.')]),
    (keep.schemas_are_schemas, kept("json_schema", schema={"items": {"$id": "https://example.com/a"}}), known(),
      [(f"{KEEP}.schema", "schema_invalid", "This is no schema to use here. A part of it has an $id of its own, which changes what references lead to.")]),
    (keep.schemas_are_schemas, kept("json_schema", schema={"properties": {"a": {"type": "text"}}}), known(),
      [(f"{KEEP}.schema", "schema_invalid", "This is no schema to use here. At $.properties.a.type: 'text' is not valid under any of the given schemas.")]),
    (keep.schemas_are_schemas, kept("json_schema", schema={"$ref": "https://example.com/schema.json"}), known(),
      [(f"{KEEP}.schema", "schema_invalid", 'This is no schema to use here. "https://example.com/schema.json" leads out of it, and nothing is fetched.')]),
    (keep.schemas_are_schemas, kept("json_schema", schema={"items": {"$ref": "#/$defs/a"}}), known(),
      [(f"{KEEP}.schema", "schema_invalid", 'This is no schema to use here. "/$defs/a" is not in it.')]),
    (keep.schemas_are_schemas, kept("json_schema", schema={"$schema": "http://json-schema.org/draft-07/schema#"}), known(),
      [(f"{KEEP}.schema", "schema_invalid", "This is no schema to use here. Its $schema is not https://json-schema.org/draft/2020-12/schema.")]),
    (keep.judges_are_shown_the_answer, kept("judge", question="Is it so? {label} {txt}"), known(),
      [(f"{KEEP}.question", "question_columns", "The question does not show {answer}: the judge would not know what to judge."),
       (f"{KEEP}.question", "template_shows_label", 'The question shows "label", the label: gold would be among the judge\'s reasons.'),
       (f"{KEEP}.question", "question_columns", 'The training rows have no column of texts or names "txt".')]),
    (keep.judges_are_shown_the_answer, kept("judge", question="{answer}? {picture}"), known(),
      [(f"{KEEP}.question", "question_columns", 'The training rows have no column of texts or names "picture".')]),
    (named.exists, kept("judge", model="ep_gone/large"), known(),
      [(f"{KEEP}.model", "not_found", "There is no ep_gone in this project.")]),
    (rules.model_is_served, kept("judge", model="ep_open/larger"), known(),
      [(f"{KEEP}.model", "no_such_model", 'ep_open serves no model "larger".')]),
    (rules.cap_bounds_a_call, kept("judge", sampling={}) | {"budget": {"usd": 5.0}}, known(),
      [(f"{KEEP}.sampling.max_tokens", "unbounded_answers", "A cap in dollars needs a bound for each answer, and sampling.max_tokens is null.")]),
    (rules.cap_covers_answers, kept("judge") | {"budget": {"usd": 0.05}}, known(),
      [("budget.usd", "cap_too_small", "A cap of $0.05 does not cover the $0.1382 that the job needs at least.")]),
    (keep.agreement_is_of_several, kept("agreement") | {f"{SAMPLING}.n": 1}, known(),
      [(KEEP, "one_vote", "One answer always agrees with itself: sampling.n is 1.")]),
    (keep.agreement_is_of_several, kept("agreement", least=0.2), known(),
      [(f"{KEEP}.least", "changes_nothing", "One of 5 answers is 0.2 of them already: the filter drops nothing.")]),
    (rules.cap_covers_answers, ASKED | {"budget": {"usd": 0.01}}, known(),
      [("budget.usd", "cap_too_small", "A cap of $0.01 does not cover the $0.07709 that the job needs at least.")]),
]

UNPRICED: list[Any] = [
    (warned.who_is_asked_was_probed, ASKED | {"teacher.models": ["ep_open/small"]}, known(),
      [("teacher.models[0]", "model_not_probed", "ep_open/small was not probed: it is asked for text alone, and its price is a guess.")]),
    (warned.who_is_asked_was_probed, ASKED, known(probed={"large": Capabilities(unseen=("structured", "batch"))}),
      [("teacher.models[0]", "model_not_probed", "ep_open/large was probed in part: structured, batch are as an earlier probe saw them, else taken not to be there.")]),
    (warned.batches_have_a_price, ASKED | {"teacher.batch": True}, known(),
      [("teacher.batch", "batch_price_unknown", "The price of ep_open does not say what calls in a batch cost: they are booked at its full rates.")]),
]
