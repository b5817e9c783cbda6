"""The first line of a report: two clauses, each with a paired-bootstrap 95% interval. Unrounded bounds are compared.

Retention R against the share asked for, k; lift L against the smallest lift worth having, w.
"""

from collections.abc import Iterable
from typing import Literal

from distill.report.figures import Figure, Grade, Headline, Verdict
from distill.report.numbers import count, decimal, interval, level, metric, percent, signed

Kept = Literal["kept", "kept only", "kept about"]
Helped = Literal["helped", "hurt", "did not help", "inconclusive"]


def kept(retention: Figure, asked: float) -> Kept | None:
    """None: there is no interval, so nothing can be said."""
    if retention.low is None or retention.high is None:
        return None
    if retention.low >= asked:
        return "kept"
    return "kept only" if retention.high < asked else "kept about"


def helped(lift: Figure, worth: float) -> Helped | None:
    """None: there is no interval, so nothing can be said."""
    if lift.low is None or lift.high is None:
        return None
    if lift.low > 0:
        return "helped"
    if lift.high < 0:
        return "hurt"
    return "did not help" if lift.high < worth else "inconclusive"


def verdict(grade: Grade, compression: float | None) -> Verdict:
    """`compression`: parameters of all teachers / student's, where known. Nothing in the sentence is a user's own word."""
    headline = grade.headline
    first, word = _retention(grade, compression)
    second, effect = _lift(headline, grade.teacher is not None)
    if not second:
        sentence = f"{first}."
    elif word == "kept about":
        sentence = f"{first}. {second[0].upper()}{second[1:]}."
    else:
        sentence = f"{first}; {second}."
    return Verdict(kept=word, helped=effect, sentence=sentence, labels=who_saw(grade))


def _retention(grade: Grade, compression: float | None) -> tuple[str, Kept | None]:
    headline = grade.headline
    kind, retention = metric(headline.metric), headline.retention
    if retention is None:
        student = grade.role("student")
        assert student is not None
        figure = student.metrics[headline.metric]
        brackets = interval(figure, kind.factor, kind.places)
        value = f"{level(figure, kind)}{kind.suffix} {brackets}".rstrip()
        return f"{kind.name.capitalize()} of {value} on {count(grade.rows)} held-out rows, by labels alone", None
    word = kept(retention, headline.asked_retention)
    if word is None:
        return f"How much of the teacher’s {kind.name} was kept cannot be said", None
    of = f"{decimal(retention.value * 100)}% {interval(retention)} of the teacher’s {kind.name}"
    match word:
        case "kept":
            return f"Kept {of}{at_size(compression)}", word
        case "kept only":
            return f"Kept only {of}{at_size(compression)}", word
        case "kept about":
            asked = percent(headline.asked_retention)
            return f"Kept about {of}{at_size(compression)}; the rows do not settle whether that is {asked}", word


def at_size(compression: float | None) -> str:
    """ " at 1/17 of its size"."""
    if compression is None:
        return ""
    if compression >= 1.5:
        return f" at 1/{int(compression + 0.5)} of its size"
    times = decimal(1 / compression)
    return " at its size" if times == "1.0" else f" at {times} times its size"


def _lift(headline: Headline, taught: bool) -> tuple[str, Helped | None]:
    lift = headline.lift
    if lift is None:
        return ("no baseline without a teacher was trained to compare with" if taught else ""), None
    kind, word = metric(headline.metric), helped(lift, headline.asked_lift)
    value = f"{signed(lift.value * kind.factor, kind.places)} {kind.unit}"
    value = f"{value} {interval(lift, kind.factor, kind.places)}".rstrip()
    match word:
        case None:
            return "the lift over training without a teacher cannot be said", None
        case "helped":
            return f"{value} over training without a teacher", word
        case "hurt":
            return f"distillation hurt: {value} against training without a teacher", word
        case "did not help":
            return f"distillation did not help here: {value} against training without a teacher", word
        case "inconclusive":
            rows = headline.rows_to_settle
            settle = f"; about {count(rows)} rows would settle it" if rows else ""
            return f"inconclusive: {value} over training without a teacher{settle}", word


def who_saw(grade: Grade) -> str:
    """Who saw which labels: the condition that a lift stands under."""
    labels = _labels(grade.labels_seen, grade.train_rows)
    chosen = _balanced(grade) + _soft_balanced(grade) + _chosen(grade)
    if grade.teacher is None:
        return f"The student saw {labels}.{chosen}"
    number = sum(figures.role.startswith("teacher.") for figures in grade.roles)
    noun, whose, be = ("teachers", "teachers’", "were") if number > 1 else ("teacher", "teacher’s", "was")
    first = f"Which labels the {noun} {be} trained on is not known here"
    seen = next((figures.labels_seen for figures in grade.roles if figures.role == grade.teacher), None)
    if seen is not None:
        each = {figures.labels_seen for figures in grade.roles if figures.role.startswith("teacher.")}
        first = f"The {noun} learned from {'up to ' if len(each) > 1 else ''}{count(seen)} labels"
    answers = f"the {whose} answers on all {count(grade.train_rows)}"
    baseline = grade.role("no_teacher")
    if baseline is None:
        return f"{first}; the student saw {labels} and {answers}.{chosen}"
    if baseline.labels_seen in (None, grade.labels_seen):
        return f"{first}; student and baseline saw {labels}, and the student {answers}.{chosen}"
    theirs = _labels(baseline.labels_seen, grade.train_rows)
    return f"{first}; the baseline saw {theirs}, the student {labels}, and {answers}.{chosen}"


def _labels(seen: int, rows: int) -> str:
    if seen == rows:
        return f"the labels of all {count(rows)} training rows"
    if seen == 0:
        return f"no label of the {count(rows)} training rows"
    return f"the labels of {count(seen)} of {count(rows)} training rows"


def _extremes(weights: Iterable[float]) -> tuple[str, str]:
    """Of those that are not zero."""
    counted = [weight for weight in weights if weight]
    return decimal(min(counted), 2), decimal(max(counted), 2)


def _balanced(grade: Grade) -> str:
    """That labels did not count alike."""
    if not any(grade.class_weights):
        return ""
    least, most = _extremes(grade.class_weights)
    if grade.output == "multilabel":
        return f" Yes and no of a class counted by their inverse frequency: a yes {least} times in the most frequent one, {most} times in the rarest."
    return f" Labels counted by the inverse frequency of their class: {least} times in the most frequent one, {most} times in the rarest."


def _soft_balanced(grade: Grade) -> str:
    """That soft targets did not count alike."""
    if not any(grade.soft_weights):
        return ""
    least, most = _extremes(grade.soft_weights)
    if grade.output == "multilabel":
        return f" Soft targets counted by the inverse frequency of a class’s yes and no: a yes between {least} and {most} times on average, by its class."
    return f" Soft targets counted by the inverse frequency of the class: between {least} and {most} times on average, by the class that is the most probable."


def _chosen(grade: Grade) -> str:
    """Labels that no loss saw, but that something was chosen by."""
    student = grade.role("student")
    number = student.validation_labels if student else 0
    return f" Another {count(number)} labels, of validation rows, were used to choose." if number else ""
