"""Jobs with a teacher behind an endpoint that the rules refuse, in the form of refused.py."""

from typing import Any

from spec.facts import ColumnFacts, Facts, Roles
from spec.rules import endpoint as rules
from spec.rules import terms
from spec.terms import NON_COMMERCIAL, of_host, of_licence
from tests.spec.builders import dataset, endpoint, facts, images, model, names, signals
from tests.spec.leaves import ASKED, SIGNALS

TEXTS = dataset(
    columns={"text": ColumnFacts(kind="text", dtype="str"), "label": names(), "picture": images()},
    roles=Roles(input="text", label="label"),
)


def known(**more: Any) -> Facts:
    return facts(datasets={"ds_texts": TEXTS}, endpoints={"ep_open": endpoint(**more)})


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
    (rules.reading_fits, ASKED | {"data.responses.read": "votes"}, known(),
      [(f"{SAMPLING}.n", "one_vote", "One answer is no vote: sampling.n is 1.")]),
    (rules.reading_fits, ASKED | {f"{SAMPLING}.n": 3}, known(),
      [(f"{SAMPLING}.n", "changes_nothing", "3 answers a row change nothing where text is read of one.")]),
    (rules.reading_fits, ASKED | {"data.responses.read": "logprobs", "data.responses.structured": True}, known(),
      [("data.responses.structured", "structured_logprobs", "Log probabilities are read at the first tokens of a choice, and a structured answer begins with JSON.")]),
    (rules.choices_differ, ASKED | {"data.responses.choices": ["yes", "no", "Yes "]}, known(),
      [("data.responses.choices[2]", "class_twice", '"Yes " is already choices[0], but for case.')]),
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
      [("teacher.accept_terms", "terms_not_accepted", f"Forbidden by CC BY-NC 4.0 (of 2013-11-25), under which mdl_y stands: {NON_COMMERCIAL}."),
       ("teacher.accept_terms", "terms_not_accepted", "Forbidden by the Llama 3 community licence (of 2024-04-18), under which mdl_z stands: using outputs to improve any other large language model.")]),
    *((terms.terms_are_accepted, changes | {"teacher.accept_terms": True}, facts_known,
       [("teacher.accept_terms", "changes_nothing", "teacher.accept_terms changes nothing here: no terms are known that ask for it.")])
      for changes, facts_known in [(ASKED, known()), (ASKED, known(licence="llama3.1")), (SIGNALS, facts(datasets={"ds_signals": signals()})),
                                   ({}, facts(models={"mdl_y": model().model_copy(update={"licence": "my own"})}))]),
    (rules.preview_has_answers, ASKED | {"data.responses": {"type": "given"}, "budget": {"preview": 20}}, known(),
      [("budget.preview", "changes_nothing", "budget.preview changes nothing here: no teacher answers.")]),
    (rules.cap_covers_answers, ASKED | {"budget": {"usd": 0.01}}, known(),
      [("budget.usd", "cap_too_small", "A cap of $0.01 does not cover the $0.0266 that the job needs at least.")]),
]
