"""Jobs with new texts that the rules refuse or warn of, in the form of refused.py."""

from typing import Any

from spec.facts import ColumnFacts, Roles
from spec.rules import synthesis as rules
from spec.rules import warned
from tests.spec.builders import dataset, endpoint, facts, images, names, split
from tests.spec.leaves import ASKED
from tests.spec.refused_endpoints import known

WRITTEN = ASKED | {"data.synthesise": {"rows": 50}}
TEXT = ColumnFacts(kind="text", dtype="str")
PAIRS = facts(
    datasets={
        "ds_texts": dataset(
            columns={"query": TEXT, "passage": TEXT, "label": names(), "picture": images()},
            roles=Roles(input=("query", "passage"), label="label"),
        )
    },
    endpoints={"ep_open": endpoint()},
)
# Ten rows for 0.1 to hold out one: a call shows eight.
FEW = facts(
    datasets={
        "ds_texts": dataset(
            {"train": split("train", 8, labels={"0": 4, "1": 4})},
            {"text": TEXT, "label": names()},
            Roles(input="text", label="label"),
            overlaps={},
        )
    },
    endpoints={"ep_open": endpoint()},
)
INSTRUCTION = "data.synthesise.instruction"
# fmt: off
SYNTHESIS: list[Any] = [
    (rules.a_teacher_writes, WRITTEN | {"data.responses": {"type": "given"}}, known(),
      [("data.synthesise", "nobody_writes", "No teacher behind an endpoint is there to write new texts and to answer them.")]),
    (rules.a_teacher_writes, WRITTEN | {"teacher": {"models": ["mdl_x"]}}, known(),
      [("data.synthesise", "nobody_writes", "No teacher behind an endpoint is there to write new texts and to answer them.")]),
    (rules.new_rows_are_texts, WRITTEN, PAIRS,
      [("data.synthesise", "not_written", "The input is pairs of texts; new rows are single texts.")]),
    (rules.new_rows_are_texts, WRITTEN | {"data.columns.input": "picture"}, known(),
      [("data.synthesise", "not_written", "The input is image values; new rows are single texts.")]),
    (rules.the_question_shows_what_new_rows_have, WRITTEN | {"data.responses.prompt.template": "{text} {form}"}, known(),
      [("data.responses.prompt.template", "template_of_old_rows", 'The template shows "form", which new rows do not have.')]),
    (rules.the_question_shows_what_new_rows_have, WRITTEN | {"data.responses.keep": [{"type": "judge", "model": "ep_open/large", "question": "{text} {form}: {answer}?"}]}, known(),
      [("data.responses.keep[0].question", "template_of_old_rows", 'The template shows "form", which new rows do not have.')]),
    (rules.new_rows_meet_no_condition, WRITTEN | {"data.responses.keep": [{"type": "length", "max": 9, "where": {"column": "label", "among": ["7"]}}]}, known(),
      [("data.responses.keep", "new_rows_dropped", "No filter applies to new rows, which have no value in the columns of the conditions: all of them are dropped.")]),
    (rules.there_are_examples, WRITTEN | {"data.heldout": 0.2}, FEW,
      [("data.synthesise.examples", "too_few_seeds", "A call is to show 8 texts, and there are 6 training rows.")]),
    (rules.the_instruction_counts, WRITTEN | {INSTRUCTION: "Write more {things}."}, known(),
      [(INSTRUCTION, "instruction_place", 'Nothing is known to put into "{things}".'),
       (INSTRUCTION, "instruction_count", "The instruction does not say how many texts are wanted.")]),
    (rules.calls_reach_the_rows, WRITTEN | {"data.synthesise.most_calls": 6}, known(),
      [("data.synthesise.most_calls", "too_few_calls", "6 calls of 8 texts cannot give 50 rows.")]),
    (rules.cap_bounds_a_text, WRITTEN | {"budget": {"usd": 5.0}}, known(),
      [("data.synthesise.sampling.max_tokens", "unbounded_answers", "A cap in dollars needs a bound for each call, and synthesise.sampling.max_tokens is null.")]),
]
UNWRITTEN: list[Any] = [
    (warned.cap_leaves_no_texts, WRITTEN | {"data.synthesise.sampling.max_tokens": 800, "budget": {"usd": 0.04}}, known(),
      [("budget.usd", "cap_before_texts", "A cap of $0.04 leaves nothing for new texts: answers to the old rows come first.")]),
]
