"""Draws: sides hang on the row, groups and duplicates stay together, shares are met."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from distill.data.canonical import Heading, digest_array
from distill.data.draw import Division, divide, joined, splitmix64
from distill.data.rows import Rows
from spec.facts import ColumnFacts, Roles
from spec.params import Selection
from spec.problem import Refused
from tests.distill.runs import write_rows

SIDES = ("train", "heldout", "validation")


def rows(
    keys: npt.ArrayLike, groups: Sequence[str | None] | None = None, labels: Sequence[str | None] | None = None
) -> Rows:
    """Rows whose digests are made of `keys`: equal keys are duplicates."""
    numbers = np.asarray(keys, dtype=np.int64)
    digests = np.zeros((len(numbers), 2), dtype=np.uint64)
    digests[:, 0] = splitmix64(numbers.astype(np.uint64))
    columns = {
        "g": pa.array(groups if groups is not None else [None] * len(numbers), pa.large_string()),
        "y": pa.array(labels if labels is not None else ["a"] * len(numbers), pa.large_string()),
        "n": pa.array(numbers, pa.int64()),
        "__digest__": digest_array(digests.view(np.uint8).reshape(-1, 16)),
    }
    facts = {"g": ColumnFacts(kind="string", dtype="str"), "y": ColumnFacts(kind="class", dtype="str")}
    facts["n"] = ColumnFacts(kind="number", dtype="int64")
    roles = Roles(input=None, label="y", group="g" if groups is not None else None)
    return Rows(pa.table(columns), Heading(columns=facts, roles=roles))


def draw(given_rows: Rows, **selection: object) -> Division:
    return divide(given_rows, Selection.model_validate({"roles": given_rows.roles, **selection}))


def side_of(keys: npt.ArrayLike, division: Division) -> dict[int, str]:
    found = np.asarray(keys)
    return {int(key): side for side in SIDES for key in found[getattr(division, side)]}


@pytest.mark.parametrize("seed", range(20))
def test_ten_rows_added_move_no_old_row(seed: int) -> None:
    old = np.arange(15_000) + 100_000 * seed
    new = np.concatenate([old[:7_000], 10**9 + np.arange(10) + seed, old[7_000:]])
    shares = {"heldout": 0.1, "validation": 0.1, "seed": seed}
    before, after = side_of(old, draw(rows(old), **shares)), side_of(new, draw(rows(new), **shares))
    assert all(after[key] == side for key, side in before.items())
    sizes = [list(before.values()).count(side) for side in SIDES]
    assert abs(sizes[1] - 1_500) < 180 and abs(sizes[2] - 1_350) < 180  # five standard deviations


def test_small_sets_meet_the_share_exactly_and_move_no_more_than_was_added() -> None:
    keys = list(range(1_029))
    before = draw(rows(keys), heldout=0.1, validation=0.1)
    assert (len(before.heldout), len(before.validation), len(before.train)) == (103, 93, 833)
    after = side_of([*keys, 5_000, 5_001], draw(rows([*keys, 5_000, 5_001]), heldout=0.1, validation=0.1))
    assert sum(after[key] != side for key, side in side_of(keys, before).items()) <= 2 * 2


def test_a_fifth_of_1029_labels_is_206() -> None:
    division = draw(rows(range(1_029)), labelled=0.2)
    assert len(division.labelled) == 206 and len(division.train) == 1_029
    assert set(division.labelled) < set(division.train)


def test_labels_are_drawn_among_rows_that_have_one() -> None:
    labels = ["a" if i % 2 else None for i in range(400)]
    division = draw(rows(range(400), labels=labels), labelled=0.5)
    assert len(division.labelled) == 100 and all(labels[i] for i in division.labelled)
    assert len(draw(rows(range(400), labels=labels)).labelled) == 200


def golden_every(step: int, number: int) -> Rows:
    return rows(range(number), labels=["a" if i % step == 0 else None for i in range(number)])


def test_golden_rows_alone_are_held_out_at_the_share_that_is_theirs() -> None:
    one = golden_every(20, 1_000)
    division = draw(one, heldout=0.1, validation=0.2, golden=True)
    assert (len(division.heldout), len(division.validation)) == (5, 9)
    assert one.labelled[division.heldout].all() and one.labelled[division.validation].all()
    assert len(division.train) == 1_000 - 5 - 9 and len(division.labelled) == 50 - 5 - 9
    assert not one.labelled[draw(one, heldout=0.1).heldout].all(), "else as before: of all rows"


@pytest.mark.parametrize("number", [1_029, 15_000])
def test_where_every_row_is_golden_the_draw_is_the_same(number: int) -> None:
    groups = [f"form {i % 200}" if i % 3 == 0 else None for i in range(number)]
    one = rows(range(number), groups=groups)
    before, after = (draw(one, heldout=0.1, validation=0.1, golden=golden) for golden in (False, True))
    assert all((getattr(before, side) == getattr(after, side)).all() for side in SIDES)


def test_a_prompt_goes_along_with_a_golden_row_of_its_unit() -> None:
    """A copy of a held-out row without its label is nobody's training row."""
    labels = ["a" if i % 2 == 0 else None for i in range(400)]
    keys, groups = [i // 4 for i in range(400)], [f"form {i // 40}" for i in range(400)]
    for one in (rows(keys, labels=labels), rows(range(400), groups=groups, labels=labels)):
        division = draw(one, heldout=0.1, golden=True)
        assert one.labelled[division.heldout].sum() == 20 and len(division.heldout) == 40
        for values in (keys,) if one.groups is None else (groups,):
            assert not {values[i] for i in division.heldout} & {values[i] for i in division.train}


@pytest.mark.parametrize("seed", range(3))
def test_of_many_golden_rows_a_small_share_is_one_at_least(seed: int) -> None:
    assert len(draw(golden_every(2, 30_000), heldout=1e-6, golden=True, seed=seed).heldout) == 1


def test_none_that_is_golden_is_refused_before_anybody_is_asked() -> None:
    with pytest.raises(Refused) as caught:
        draw(rows(range(50), labels=[None] * 50), heldout=0.1, golden=True)
    assert [problem.code for problem in caught.value.problems] == ["heldout_labels"]


def test_no_label_column_means_no_labels() -> None:
    one = rows(range(10))
    assert len(divide(one, Selection(roles=Roles(input=None))).train) == 10
    unlabelled = Rows(one._table, one.heading, Roles(input=None))
    assert len(draw(unlabelled).labelled) == 0


@given(
    keys=st.lists(st.integers(0, 60), min_size=4, max_size=120),
    groups=st.integers(1, 12),
    seed=st.integers(0, 2**63 - 1),
    heldout=st.floats(0.05, 0.5),
    validation=st.floats(0.05, 0.5),
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_groups_and_duplicates_are_whole(
    keys: list[int], groups: int, seed: int, heldout: float, validation: float
) -> None:
    named = [f"g{(key * 7 + i) % groups}" if (key + i) % 3 else None for i, key in enumerate(keys)]
    one = rows(keys, groups=named)
    division = draw(one, heldout=heldout, validation=validation, seed=seed)
    side = {int(i): name for name in SIDES for i in getattr(division, name)}
    assert sorted(side) == list(range(len(keys)))
    for values in (keys, named):
        together: dict[object, set[str]] = {}
        for i, value in enumerate(values):
            if value is not None:
                together.setdefault(value, set()).add(side[i])
        assert all(len(sides) == 1 for sides in together.values())


def test_groups_are_drawn_until_the_share_is_met() -> None:
    groups = [f"form {i // 100}" for i in range(1_000)]
    division = draw(rows(range(1_000), groups=groups), heldout=0.25)
    assert len(division.heldout) == 300
    assert len({groups[i] for i in division.heldout}) == 3


def test_a_group_is_drawn_by_its_name_whatever_its_rows() -> None:
    groups = [f"form {i // 100}" for i in range(1_000)]
    first = draw(rows(range(1_000), groups=groups), heldout=0.3)
    other = draw(rows(range(5_000, 6_000), groups=groups), heldout=0.3)
    assert np.array_equal(first.heldout, other.heldout)


def test_validation_is_drawn_before_where_and_where_touches_training_rows_alone() -> None:
    labels = [str(i % 10) for i in range(2_000)]
    kept = {"column": "y", "not_among": ["3"]}
    division = draw(rows(range(2_000), labels=labels), heldout=0.1, validation=0.1, where=[kept])
    plain = draw(rows(range(2_000), labels=labels), heldout=0.1, validation=0.1)
    assert np.array_equal(division.heldout, plain.heldout) and np.array_equal(division.validation, plain.validation)
    assert any(labels[i] == "3" for i in division.validation) and any(labels[i] == "3" for i in division.heldout)
    assert [i for i in plain.train if labels[i] != "3"] == list(division.train)


def test_share_is_of_what_where_leaves() -> None:
    labels = [str(i % 10) for i in range(2_000)]
    division = draw(rows(range(2_000), labels=labels), where=[{"column": "y", "among": [7, "8"]}], share=0.25)
    assert len(division.train) == 100 and {labels[i] for i in division.train} == {"7", "8"}


def test_conditions_compare_numbers_as_text_and_miss_what_is_missing() -> None:
    one = rows([1, 2, 3], labels=["a", None, "b"])
    assert list(draw(one, where=[{"column": "n", "among": ["2", 3]}]).train) == [1, 2]
    assert list(draw(one, where=[{"column": "y", "among": ["a"]}]).train) == [0]
    assert list(draw(one, where=[{"column": "y", "not_among": ["a"]}]).train) == [1, 2]


@pytest.mark.parametrize("purpose", ["heldout", "validation"])
def test_the_seed_draws_others(purpose: str) -> None:
    one = rows(range(1_000))
    drawn = [getattr(draw(one, seed=seed, **{purpose: 0.2}), purpose) for seed in range(4)]
    assert all(100 < len(set(a) - set(b)) < 200 for i, a in enumerate(drawn) for b in drawn[:i])


def test_the_order_of_the_rows_decides_nothing() -> None:
    keys = list(range(500))
    order = np.random.default_rng(0).permutation(500)
    shares = {"heldout": 0.2, "validation": 0.1, "share": 0.5, "labelled": 0.5}
    straight, mixed = draw(rows(keys), **shares), draw(rows([keys[i] for i in order]), **shares)
    for side in (*SIDES, "labelled"):
        assert sorted(order[getattr(mixed, side)]) == list(getattr(straight, side))


def test_splitmix64_is_the_published_one() -> None:
    state = np.array([1234567], dtype=np.uint64)
    found = []
    for _ in range(3):
        found.append(int(splitmix64(state)[0]))
        state = state + np.uint64(0x9E3779B97F4A7C15)
    assert found == [6457827717110365317, 3203168211198807973, 9817491932198370423]


def test_chains_of_groups_and_duplicates_join() -> None:
    digests = np.array([[1, 0], [1, 0], [2, 0], [2, 0], [3, 0]], dtype=np.uint64)
    keys = np.array([[10, 0], [11, 0], [11, 0], [12, 0], [13, 0]], dtype=np.uint64)
    assert list(joined(digests, keys)) == [0, 0, 0, 0, 4]


def test_opened_rows_divide_as_they_were_written(tmp_path: Path) -> None:
    x = np.random.default_rng(0).integers(0, 255, (200, 4, 4), dtype=np.uint8)
    path = write_rows(tmp_path / "rows.arrow", x, ["a"] * 200)
    again = write_rows(tmp_path / "again.arrow", x.astype(np.float32), ["a"] * 200)
    one, other = Rows.open(path), Rows.open(again)
    assert np.array_equal(draw(one, heldout=0.2).heldout, draw(other, heldout=0.2).heldout)
