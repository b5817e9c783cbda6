"""The headline of a report, small enough for events, the API and tables on a terminal."""

from typing import Any

from distill.report.figures import Figure, Report
from distill.report.roles import role, shown


def summary(report: Report) -> dict[str, Any]:
    """The headline, small enough for events and tables."""
    headline, ratios = report.grade.headline, report.ratios
    return {
        "verdict": report.verdict.sentence,
        "labels": report.verdict.labels,
        "kept": report.verdict.kept,
        "helped": report.verdict.helped,
        "metric": headline.metric,
        "retention": _figure(headline.retention),
        "lift": _figure(headline.lift),
        "lift_all_labels": _figure(headline.lift_all_labels),
        "compression": ratios.parameters_of_all,
        "compression_of_one": ratios.parameters_of_one,
        "speed_up": ratios.speed_of_all,
        "speed_up_of_one": ratios.speed_of_one,
        "rows": [row(report, name) for name in shown(report.grade)],
    }


def _figure(figure: Figure | None) -> dict[str, Any] | None:
    return figure.model_dump() if figure else None


def row(report: Report, name: str) -> dict[str, Any]:
    """One role of a table: `value`, `low` and `high` are the headline metric's; speed is ONNX Runtime's; None where it is not known."""
    found = report.grade.role(name)
    assert found is not None
    figure, size = found.metrics[report.grade.headline.metric], report.sizes.get(name)
    accuracy = found.metrics.get("accuracy")
    speed = next(iter(report.latencies.get(name, ())), None)
    return {
        "role": name,
        "name": role(name, report.grade).long,
        "accuracy": accuracy and accuracy.value,
        "value": figure.value,
        "low": figure.low,
        "high": figure.high,
        "labels_seen": found.labels_seen,
        "parameters": size and size.parameters,
        "bytes": size and size.bytes,
        "p50_us": speed and speed.p50 * 1e6,
        "p95_us": speed and speed.p95 * 1e6,
        "rows_per_second": speed and speed.rows_per_second,
    }
