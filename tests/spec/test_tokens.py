"""What texts are made of, and the tokens that are expected of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.form import Form
from gateway.reply import Message, Sampling
from spec.facts import Capabilities
from spec.makeup import KINDS, amounts, makeup
from spec.passages import HELD, PASSAGES, USUAL, rates
from spec.tokens import SURE, UNSURE, Extent


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("the cat and the dog", {"prose": 15}),  # three of five words are common: prose, whole
        ("Zwei große Hunde", {"latin": 15}),  # ß has two bytes
        ("of Berlin Madrid Lisboa Warszawa", {"prose": 28 / 2, "latin": 28 / 2}),  # one of five, and two fifths make English
        ("12 + 3.5", {"digits": 4, "symbols": 3}),  # the blank before +, + and the point; the one after + belongs to 3
        ("x == y\n\n    z", {"latin": 3, "symbols": 3}),  # a blank, a run of one symbol, a break with its indentation
        ("мир", {"cyrillic": 6}),
        ("سلام", {"arabic": 8}),
        ("λόγος שלום", {"alphabets": 10 + 8}),
        ("नमस्ते", {"abugidas": 18}),
        ("日本の", {"han": 6, "kana": 3}),
        ("한국", {"hangul": 6}),
        ("😀😀!", {"symbols": 2 * 4 + 1}),
        ("", {}),
    ],
)  # fmt: skip
def test_kinds_by_hand(text: str, held: dict[str, float]) -> None:
    assert amounts([text]) == pytest.approx(held)


@given(st.text())
def test_no_text_is_of_no_kind(text: str) -> None:
    found = amounts([text])
    assert all(amount > 0 for amount in found.values()) and bool(found) == bool(text)
    assert sum(amount for kind, amount in found.items() if kind != "symbols") <= len(text.encode())


def test_a_makeup_is_of_a_byte() -> None:
    assert makeup(["мир", "12"]) == {"cyrillic": 0.75, "digits": 0.25} and makeup([""]) == {}


def test_each_passage_is_mostly_of_its_kind() -> None:
    for kind in KINDS:
        others = sum(amount for other, amount in HELD[kind].items() if other not in (kind, "symbols"))
        assert HELD[kind][kind] > others, kind


EVEN: dict[str, float] = dict.fromkeys(KINDS, 0.25)


def counted(wanted: dict[str, float]) -> dict[str, float]:
    """What a tokenizer with these rates makes of each passage."""
    return {kind: sum(amount * wanted[other] for other, amount in HELD[kind].items()) for kind in KINDS}


@given(st.fixed_dictionaries({kind: st.floats(0.05, 1.5) for kind in KINDS}))
def test_rates_are_found_again(wanted: dict[str, float]) -> None:
    """Where a kind weighs little beside what is mixed into its passage, to a hundredth."""
    assert dict(rates(counted(wanted))) == pytest.approx(wanted, abs=0.01)


def test_of_a_kind_that_was_not_counted_the_usual_rate_holds() -> None:
    some = {kind: tokens for kind, tokens in counted(dict.fromkeys(KINDS, 0.5)).items() if kind != "hangul"}
    found = rates(some)
    assert found["hangul"] == USUAL["hangul"] and found["prose"] == pytest.approx(0.5, abs=0.01)
    probe = Capabilities(passages=some)
    for text, (low, high) in (("사람", UNSURE), ("the cat and the dog", SURE)):
        extent = Extent.written(probe, text)
        assert (extent.low, extent.high) == pytest.approx((low * extent.tokens, high * extent.tokens))


@pytest.mark.parametrize("tokens", [{}, dict.fromkeys(KINDS, 0.0), dict.fromkeys(KINDS, 1e6)])
def test_counts_that_make_no_sense_are_not_believed(tokens: dict[str, float]) -> None:
    assert rates(tokens) == {}
    extent = Extent.written(Capabilities(passages=tokens), "мир")
    assert (extent.low, extent.tokens, extent.high) == pytest.approx([6 * USUAL["cyrillic"] * x for x in (0.4, 1, 2)])


def test_extents_add_up() -> None:
    probe = Capabilities(passages=counted(dict.fromkeys(KINDS, 0.5)))
    both = Extent.written(probe, "12") + Extent.of(probe, 8, None) * 2
    assert both.bytes == 18 and both.tokens == pytest.approx(1 + 16 * probe.tokens_per_byte, abs=0.05)
    assert both.low == pytest.approx(SURE[0] * 1 + UNSURE[0] * 16 * probe.tokens_per_byte, abs=0.05)
    seen = both.counted(10, 0.2)
    assert (seen.bytes, seen.low, seen.tokens, seen.high) == (18, 8, 10, 12)


def test_a_limit_of_tokens_knows_the_writing() -> None:
    """600 bytes: of English at a quarter of a token, of Chinese at one."""
    able = Capabilities(passages=counted({**EVEN, "han": 1.0}), tokens_per_call=8)
    form = Form(endpoint="ep_a", digest="d", model="m", sampling=Sampling(max_tokens=4), able=able)
    english, chinese = (form.tokens([Message("user", text)], 2) for text in ("the" * 200, "人" * 200))
    assert english == pytest.approx(150 + 8 + 8, abs=4) and chinese == pytest.approx(600 + 8 + 8, abs=12)
    assert len(PASSAGES["prose"].encode()) > 400
