"""Where it came from: digests of all that went in and came out, versions, in what student and baseline differ, the job itself."""

import json

from distill.report.figures import Report
from distill.report.markup import Child, Markup, tag
from distill.report.numbers import count
from spec.facts import Standing

SHOWN = 12
"""Hexadecimal digits of a digest; whole in manifest.json."""


def section(report: Report) -> Markup:
    digests = [_line(name, tag("code", digest[:SHOWN], title=digest)) for name, digest in report.digests.items()]
    facts = [_line(name, value) for name, value in _facts(report).items()]
    table = tag("table", tag("tbody", digests, facts), class_="provenance")
    words = "First digits of sha256; whole in manifest.json, which lies beside the weights."
    return tag(
        "section", tag("h2", "Provenance"), table, tag("p", words, class_="caption"), _difference(report), _job(report)
    )


def _line(name: str, value: Child) -> Markup:
    return tag("tr", tag("th", name, scope="row"), tag("td", value))


def _facts(report: Report) -> dict[str, str]:
    found = {}
    if report.job:
        found["job"] = report.job
    if report.conversion:
        rows, largest = count(report.conversion.rows), report.conversion.largest_difference
        found["ONNX against torch"] = f"largest difference of a logit {largest:.1e}, on {rows} rows"
    found |= {f"terms of {one.model}": terms(one) for one in report.teachers}
    if (report.spec.get("teacher") or {}).get("accept_terms"):
        found["terms accepted"] = "by whoever posted the job: teacher.accept_terms"
    found["seeds"] = ", ".join(f"{name} {value}" for name, value in _seeds(report).items())
    found["versions"] = ", ".join(f"{name} {version}" for name, version in report.versions.items())
    return found


def terms(one: Standing) -> str:
    """The licence as it was stated, and what is known of terms, in a sentence or two."""
    said = [f"licence: {one.licence}" if one.licence else "no licence stated"]
    for found in one.terms:
        what = [f"forbids {found.forbids}"] if found.forbids else []
        what += [f"asks {found.asks}"] if found.asks else []
        where = found.source.removeprefix("https://")  # the page holds no address that a browser would call
        said.append(f"{found.name} (of {found.effective}, {where}): {'; '.join(what)}")
    return ". ".join(said)


def _seeds(report: Report) -> dict[str, object]:
    spec = report.spec
    seeds = {"training": spec.get("training", {}).get("seed", 0), "rows": spec.get("data", {}).get("seed", 0)}
    return seeds | {"bootstrap": report.grade.bootstrap_seed}


def _difference(report: Report) -> Child:
    if not report.spec_difference:
        return None
    lines = [[tag("del" if line.startswith("-") else "ins", line), "\n"] for line in report.spec_difference]
    return [tag("h3", "Student and baseline differ in this, and in nothing else"), tag("pre", lines)]


def _job(report: Report) -> Markup:
    text = compact(report.spec)
    return tag("details", tag("summary", "The job as JSON, resolved: it can be posted as it stands"), tag("pre", text))


def compact(spec: dict[str, object]) -> str:
    """A part a line."""
    parts = [f"  {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in spec.items()]
    return "{\n" + ",\n".join(parts) + "\n}"
