"""The page: whole, self-contained, and nobody's name becomes a tag."""

import base64
import re
import struct
import zlib
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path

import pytest

from distill.export.card import card
from distill.report import figures
from distill.report.figures import Picture, Report
from distill.report.markup import Markup, tag
from distill.report.page import page
from distill.report.pixels import drawn, png
from spec.terms import standing
from tests.distill.reports import DIGITS, params, report
from tests.spec.builders import model

HOSTILE = '</style><script>alert("1")</script><img onerror=x()> & \'"'
VOID = {"meta", "img", "br"}


class Reader(HTMLParser):
    """Every element, attribute and text; asserts that tags are closed in order."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(source)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        return "".join(self.texts).replace("\u00a0", " ")


def checked(source: str) -> Reader:
    """Parses the page and asserts that it refers to nothing outside of itself and runs nothing."""
    read = Reader(source)
    assert not {"script", "link", "iframe", "object", "embed", "a", "base", "form", "image", "use"} & set(read.tags)
    for element, name, value in read.attributes:
        assert not name.startswith("on"), (element, name)
        assert name not in {"href", "srcset", "action", "style", "xlink:href", "http-equiv"}, (element, name)
        assert name != "src" or value.startswith("data:image/png;base64,"), value[:80]
    assert "http" not in source
    assert "url(" not in source and "@import" not in source
    return read


def shapes(read: Reader) -> set[str]:
    return {value for _, name, value in read.attributes if name == "class"}


def test_a_whole_report() -> None:
    read = checked(page(report()))
    assert read.text.count("Kept 96.0%") == 1
    for words in (
        "Who is how good", "How it learned", "What the teacher knows besides the answer", "Where they disagree",
        "How bad the mistakes are", "Calibration", "What it cost", "Provenance",
    ):  # fmt: skip
        assert words in read.texts
    for words in (
        "95.0 [93.0, 97.0]",
        "A 0 looks like a 1: 7.1%, like a 9: 0.02%",
        "+5.0 points [3.0, 7.0]",
        "10.0 µs",
    ):
        assert words in read.text, words
    assert "- objective: soft_targets T=4 × 0.9 + labels × 0.1" in read.texts
    assert "+ objective: labels × 1" in read.texts
    assert {"t", "s", "open"} <= shapes(read)


@pytest.mark.parametrize(
    "hostile", [HOSTILE, "--></title><svg onload=alert(1)>", "javascript:alert(1)", "\u202e" + "gnp.exe"]
)
def test_names_are_text(hostile: str) -> None:
    classes = (hostile, hostile + "2", "c")
    context = {"job": {"id": hostile}, "warnings": [hostile], "steps": [step(hostile, reason=hostile)]}
    made = report(classes, name=hostile, context=context)
    made = made.model_copy(update={"baseline_reasons": {"no_teacher": hostile}, "digests": {hostile: hostile}})
    read = checked(page(made))
    assert hostile in read.texts, "as it is, as text"
    assert "alert(1)>" not in page(made).replace("alert(1)&gt;", "")


def step(name: str, **changes: object) -> dict[str, object]:
    row = {
        "name": name,
        "verb": "train",
        "state": "succeeded",
        "seconds": 2.5,
        "cached": False,
        "cut": False,
        "reason": None,
    }
    return row | changes


def test_a_card_has_no_markdown_of_others() -> None:
    made = report((HOSTILE, "b"), name="[x](javascript:1) **b** <b>\n# title")
    text = card(made, params((HOSTILE, "b"), "x", True, [], (8, 8)).signature)
    assert text.startswith("# \\[x\\]\\(javascript:1\\) \\*\\*b\\*\\* \\<b\\> \\# title\n")
    assert "<script>" not in text


def test_terms_of_teachers_are_said_and_nothing_is_inherited_silently() -> None:
    def of(licence: str) -> dict[str, object]:
        stated = model().model_copy(update={"licence": licence})
        return {"teachers": [standing("mdl_a", stated).model_dump(mode="json")]}

    given = params(DIGITS, "x", True, [], (8, 8)).signature
    forbidden = report(context=of("llama2"))
    forbidden = forbidden.model_copy(
        update={"spec": forbidden.spec | {"teacher": {"models": ["mdl_a"], "accept_terms": True}}}
    )
    text = card(forbidden, given).replace("\\", "")
    assert (
        "- Terms of mdl_a: licence: llama2. the Llama 2 community licence (of 2023-07-18, ai.meta.com/llama/license/): forbids using"
        in text
    )
    assert "said (`teacher.accept_terms`) that they had read them" in text
    read = checked(page(forbidden))
    assert "terms of mdl_a" in read.texts and "terms accepted" in read.texts
    asking, silent = card(report(context=of("gemma")), given), card(report(), given)
    assert "ask something of whoever passes it on" in asking and "had read them" not in asking
    assert "Terms of" not in silent and "Licence: not stated" in silent


def test_labels_alone() -> None:
    read = checked(page(report(roles=("student",))))
    assert "Accuracy of 95.0% [93.0, 97.0] on 200 held-out rows, by labels alone." in read.text
    for absent in ("retention", "lift", "compression", "What the teacher knows besides the answer"):
        assert absent not in read.texts
    assert "t" not in shapes(read), "no square: nobody teaches"


def test_signals_teach_without_size_or_speed() -> None:
    made = report(roles=("teacher.0", "student", "no_teacher"))
    read = checked(page(made))
    assert made.verdict.sentence.startswith("Kept 96.0% [95.5, 96.5] of the teacher’s accuracy; +5.0 points")
    assert "Teacher" in read.texts
    assert "compression" not in read.texts and "speed-up" not in read.texts
    assert "–" in read.texts, "no parameters are known"


def test_without_a_baseline_the_reason_is_printed() -> None:
    made = report(roles=("ensemble", "teacher.0", "teacher.1", "student"))
    made = made.model_copy(update={"baseline_reasons": {"no_teacher": "No row has a label."}})
    assert "Baseline, no teacher: not there. No row has a label." in checked(page(made)).texts


def test_a_failed_baseline_is_said() -> None:
    steps = [
        step("train.no_teacher", state="failed", reason="The loss of step 3 is nan."),
        step("train.all_labels", state="skipped"),
    ]
    roles = ("ensemble", "teacher.0", "teacher.1", "student")
    made = report(roles=roles, asked=("no_teacher", "all_labels"), context={"steps": steps})
    assert made.baseline_reasons == {
        "no_teacher": "The loss of step 3 is nan.",
        "all_labels": "Its training was skipped.",
    }
    assert "The loss of step 3 is nan." in checked(page(made)).text


def test_training_that_was_cut_is_a_warning() -> None:
    made = report(context={"steps": [step("train", cut=True)], "warnings": ["12 rows are on both sides."]})
    assert made.warnings == ("12 rows are on both sides.", "Training was ended early, at step 10.")
    assert "Training was ended early, at step 10." in checked(page(made)).texts


def test_cached_steps_cost_nothing_now() -> None:
    read = checked(page(report(context={"steps": [step("score", cached=True, seconds=0.0), step("train")]})))
    assert "found in the cache: paid before" in read.texts
    assert "5.7 s" in read.texts  # 2.5 of training, 3.2 of packing


def test_whose_answer_stands_for_a_label_that_was_not_seen() -> None:
    """The teacher's highest is its own answer by definition."""
    found = report()
    assert (
        "Training saw the labels of 100 of them; for the others the teacher's own answer" in checked(page(found)).text
    )
    dark = found.grade.dark_knowledge
    assert dark is not None
    for labelled, said in ((0, "Training saw none of their labels"), (500, None), (None, None)):
        one = dark.model_copy(update={"labelled": labelled})
        text = checked(
            page(found.model_copy(update={"grade": found.grade.model_copy(update={"dark_knowledge": one})}))
        ).text
        assert (said is None or said in text) and ("own answer stands" in text) == (said is not None)


def test_many_classes_are_told_in_words() -> None:
    classes = tuple(f"a class with a long name {i}" for i in range(100))
    source = page(report(classes))
    assert "heat" not in shapes(checked(source)), "no table of 100 by 100"
    assert "A a class" not in source
    assert "of 100 classes" in checked(source).text
    assert len(source) < 300_000


@pytest.mark.parametrize("size", [2, 3, 20, 40])
def test_tables_of_any_size(size: int) -> None:
    checked(page(report(tuple(f"class {i}" for i in range(size)))))


@pytest.mark.parametrize(("shape", "pictures"), [((8, 8), True), ((3, 8, 8), True), ((12,), False)])
def test_images_are_drawn_and_arrays_are_named(shape: tuple[int, ...], pictures: bool) -> None:
    read = checked(page(report(shape=shape)))
    assert ("img" in read.tags) is pictures
    assert pictures or "id 3" in read.texts


@pytest.mark.parametrize(
    ("channels", "ink", "colour", "stride"), [(1, False, 0, 1), (1, True, 4, 2), (3, False, 2, 3), (3, True, 2, 3)]
)
def test_png(channels: int, ink: bool, colour: int, stride: int) -> None:
    data = bytes(range(6 * channels))
    image = png(Picture(height=2, width=3, channels=channels, data=base64.b64encode(data).decode()), ink)
    chunks = list(read_chunks(image))
    assert [kind for kind, _ in chunks] == [b"IHDR", b"IDAT", b"IEND"]
    assert struct.unpack(">IIBBBBB", chunks[0][1]) == (3, 2, 8, colour, 0, 0, 0)
    lines = zlib.decompress(chunks[1][1])
    assert len(lines) == 2 * (1 + 3 * stride)
    values = b"".join(lines[i * (1 + 3 * stride) + 1 : (i + 1) * (1 + 3 * stride)] for i in range(2))
    assert (values[1::2] if colour == 4 else values) == data


def read_chunks(image: bytes) -> Sequence[tuple[bytes, bytes]]:
    assert image.startswith(b"\x89PNG\r\n\x1a\n")
    found, place = [], 8
    while place < len(image):
        size, kind = struct.unpack(">I4s", image[place : place + 8])
        data = image[place + 8 : place + 8 + size]
        (checksum,) = struct.unpack(">I", image[place + 8 + size : place + 12 + size])
        assert checksum == zlib.crc32(kind + data)
        found.append((kind, data))
        place += 12 + size
    return found


def gray(values: Sequence[int]) -> Picture:
    return Picture(height=3, width=3, channels=1, data=base64.b64encode(bytes(values)).decode())


def test_strokes_on_a_dark_ground_are_ink() -> None:
    assert drawn([gray([0, 0, 0, 0, 255, 0, 0, 0, 9])])
    assert not drawn([gray([200, 180, 90, 70, 255, 60, 90, 120, 99])])
    assert not drawn([])


def test_markup_escapes_all_but_markup() -> None:
    assert (
        tag("td", "<b>", Markup("<i></i>"), None, ["&", 3], title='"')
        == '<td title="&quot;">&lt;b&gt;<i></i>&amp;3</td>'
    )


def test_the_palette_is_legible() -> None:
    """Contrast on paper of every colour that carries text is 4.5 or more, light and dark (WCAG 2.2, 1.4.3)."""
    css = Path(figures.__file__).with_name("page.css").read_text()
    light, dark = (
        dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", part))
        for part in css.split("@media (prefers-color-scheme: dark)")[:2]
    )
    for colours in (light, dark):
        for name in ("ink", "soft", "student", "baseline", "teacher"):
            assert contrast(colours[name], colours["paper"]) >= 4.5, (name, colours)


def contrast(first: str, second: str) -> float:
    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_the_page_is_a_function_of_the_report_alone() -> None:
    made = report()
    assert page(made) == page(Report.model_validate_json(made.model_dump_json()))
    assert made.grade.classes == DIGITS
