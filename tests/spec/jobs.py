"""Jobs at random that the rules accept, for properties over all of them."""

from typing import Any

from hypothesis import strategies as st

from spec.facts import PairFacts, Roles
from tests.spec.builders import dataset, facts, signals, split

KNOWN = facts(
    datasets={
        "ds_digits": dataset(roles=Roles(input="image", label="label", id="form")),
        "ds_gold": dataset({"train": split("gold", 400)}, overlaps={}),
        "ds_signals": signals(),
    },
    pairs={
        f"digest-of-{first}|digest-of-{second}": PairFacts(overlap=0, unmatched=0)
        for first in ("train-1029", "test-768", "gold-400")
        for second in ("test-768", "gold-400", "signals-1797")
        if first != second
    },
)
"""Everything that `jobs()` may name."""

STUDENTS = st.one_of(
    st.fixed_dictionaries(
        {"type": st.just("mlp"), "hidden_sizes": st.lists(st.integers(1, 64), min_size=1, max_size=3)},
        optional={"norm": st.sampled_from(["none", "batch", "layer"]), "max_norm": st.floats(0.5, 15.0)},
    ),
    st.fixed_dictionaries(
        {"type": st.just("convnet"), "channels": st.lists(st.integers(1, 32), min_size=1, max_size=3)}
        | {"hidden": st.integers(1, 64)},
        optional={"dropout": st.floats(0.0, 0.9), "normalise": st.sampled_from(["auto", True, False])},
    ),
)
WEIGHTS = st.floats(0.01, 100.0)
SOFT = st.fixed_dictionaries(
    {"type": st.just("soft_targets")},
    optional={
        "weight": WEIGHTS,
        "temperature": st.floats(0.5, 100.0),
        "balance": st.sampled_from(["none", "inverse_frequency"]),
    },
)
LABELS = st.fixed_dictionaries({"type": st.just("labels")}, optional={"weight": WEIGHTS})
TEACHERS = st.one_of(
    st.fixed_dictionaries(
        {"models": st.just(["mdl_x", "mdl_y"])},
        optional={
            "combine": st.sampled_from(["arithmetic", "geometric"]),
            "weights": st.just("auto") | st.lists(WEIGHTS, min_size=2, max_size=2),
        },
    ),
    st.just({"models": ["mdl_z"]}),
    st.just({"signals": "ds_signals"}),
)
CONDITIONS = st.sampled_from(
    [
        [],
        [{"column": "label", "among": [7, 8]}],
        [{"column": "label", "not_among": ["3"]}],
        [{"column": "form", "among": ["a"]}],
    ]
)
DATA = st.fixed_dictionaries(
    {"train": st.sampled_from(["ds_digits", "ds_digits/train"])},
    optional={
        "heldout": st.just("auto") | st.sampled_from(["ds_digits/test", "ds_gold"]) | st.floats(0.05, 0.5),
        "seed": st.integers(0, 2**63 - 1),
        "share": st.floats(0.1, 1.0),
        "labelled": st.floats(0.1, 0.9),
        "where": CONDITIONS,
    },
)
TRAINING = st.fixed_dictionaries(
    {},
    optional={
        "steps": st.integers(1, 10_000),
        "batch_size": st.just("auto") | st.integers(2, 8),
        "learning_rate": st.just("auto") | st.floats(1e-5, 1.0),
        "optimizer": st.sampled_from(["adamw", "sgd"]),
        "weight_decay": st.sampled_from([0.0, -0.0, 0.01]),
        "seed": st.integers(0, 2**63 - 1),
        "select": st.sampled_from(["last", "best"]),
    },
)
GRADERS = st.lists(st.sampled_from(["accuracy", "f1", "nll", "calibration"]), min_size=1, unique=True)


@st.composite
def jobs(draw: st.DrawFn) -> dict[str, Any]:
    """The document of a job about KNOWN that breaks no rule."""
    teacher: dict[str, Any] | None = draw(st.none() | TEACHERS)
    data: dict[str, Any] = draw(DATA)
    labels: list[Any] = draw(st.lists(LABELS, min_size=0 if teacher else 1, max_size=2))
    offered = ["untrained"] + ["no_teacher"] * bool(teacher) + ["all_labels"] * (data.get("labelled", 1) < 1)
    listed = st.lists(st.sampled_from(offered), unique=True)
    baselines = draw(listed if labels or not teacher else st.just(["no_teacher"]))
    soft: list[Any] = [draw(SOFT)] if teacher else []
    body: dict[str, Any] = {"name": "a job", "data": data, "student": draw(STUDENTS), "training": draw(TRAINING)}
    body["objective"] = draw(st.permutations([*labels, *soft]))
    body["evaluation"] = {
        "graders": draw(st.just("auto") | GRADERS.map(lambda types: [{"type": one} for one in types])),
        "baselines": draw(st.just(baselines) | st.just("auto")),
    }
    return body | ({"teacher": teacher} if teacher else {}) | ({"metadata": {"k": "v"}} if draw(st.booleans()) else {})
