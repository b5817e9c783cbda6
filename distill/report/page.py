"""report.html: one file that needs nothing else. No script, no reference to anywhere, light and dark, on a phone and on paper."""

from pathlib import Path

from distill.report import (
    answers,
    byclass,
    calibration,
    copied,
    costs,
    curves,
    dark,
    headline,
    mistakes,
    pixels,
    provenance,
    sidebyside,
    standings,
)
from distill.report.figures import Picture, Report
from distill.report.markup import Markup, tag

STYLE = Path(__file__).with_name("page.css")


def page(report: Report) -> str:
    """The whole page, a function of report.json alone."""
    ink = pixels.drawn(picture for picture in _pictures(report) if picture)
    body = tag(
        "main",
        headline.header(report),
        headline.strip(report),
        standings.section(report),
        answers.section(report),
        copied.section(report),
        curves.section(report),
        dark.section(report, ink),
        sidebyside.section(report, ink),
        mistakes.section(report),
        byclass.section(report),
        calibration.section(report),
        costs.section(report),
        provenance.section(report),
    )
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width,initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", f"{report.name} · distillation report"),
        tag("style", Markup(STYLE.read_text(encoding="utf-8"))),
    )
    return f"<!doctype html>{tag('html', head, tag('body', body), lang='en')}\n"


def _pictures(report: Report) -> list[Picture | None]:
    grade = report.grade
    rich = grade.dark_knowledge.richest if grade.dark_knowledge else ()
    return [*(row.picture for row in rich), *(row.picture for row in grade.side_by_side)]
