"""The closed formulas of tensors against torch itself, on the meta device."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distill.students import build
from spec.facts import InputSignature, OutputSignature, Signature
from spec.student import Convnet, Mlp, Student, TextClassifier, TextEncoder, TextStudent
from spec.tensors import PAIR, parameters, tensors

WIDTHS = st.lists(st.integers(1, 70), min_size=1, max_size=4).map(tuple)
NORMS = st.sampled_from(["none", "batch", "layer"])
DROPOUTS = st.sampled_from([0.0, 0.3])
STUDENTS = st.one_of(
    st.builds(Mlp, type=st.just("mlp"), hidden_sizes=WIDTHS, norm=NORMS, dropout=DROPOUTS),
    st.builds(
        Convnet, type=st.just("convnet"), channels=WIDTHS, hidden=st.integers(1, 70), norm=NORMS, dropout=DROPOUTS
    ),
    st.builds(TextClassifier, type=st.just("text_classifier"), width=st.integers(1, 70), buckets=st.integers(16, 999)),
    st.builds(
        TextEncoder,
        type=st.just("text_encoder"),
        width=st.integers(1, 9).map(lambda size: 8 * size),
        heads=st.sampled_from([1, 2, 4, 8]),
        layers=st.integers(1, 3),
        max_tokens=st.integers(8, 64),
        vocabulary=st.integers(512, 999),
    ),
)
SHAPES = st.sampled_from([(16, 16), (1, 17, 33), (3, 31, 16)])


def signature(shape: tuple[int, ...], classes: int) -> Signature:
    return Signature(
        input=InputSignature(kind="image", shape=shape),
        output=OutputSignature(kind="classes", classes=tuple(map(str, range(classes)))),
    )


@given(STUDENTS, SHAPES, st.booleans(), st.integers(2, 12))
@settings(max_examples=80, deadline=None)
def test_formulas_equal_torch(student: Student, shape: tuple[int, ...], pair: bool, classes: int) -> None:
    if isinstance(student, TextStudent):
        shape = PAIR if pair else ()
    module = build(student, signature(shape, classes))
    state = {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}
    assert tensors(student, shape, classes) == state
    assert parameters(student, shape, classes) == sum(weight.numel() for weight in module.parameters())


def test_the_demo_s_sizes() -> None:
    small = Convnet(type="convnet", channels=(8, 16), hidden=16, norm="batch")
    large = Convnet(type="convnet", channels=(16, 32), hidden=64, norm="batch", dropout=0.3)
    assert (parameters(small, (8, 8), 10), parameters(large, (8, 8), 10)) == (2_506, 13_802)


@pytest.mark.parametrize("shape", [(64,), (2, 2, 8, 8), (3, 8), (7, 64)])
def test_shapes_that_a_convnet_cannot_take(shape: tuple[int, ...]) -> None:
    student = Convnet(type="convnet", channels=(4, 4, 4), hidden=4)
    with pytest.raises(ValueError, match=r"convnet takes|leave nothing"):
        tensors(student, shape, 10)
