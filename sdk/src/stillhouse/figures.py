"""A report's main figures, as the terminal shows them."""

from __future__ import annotations

from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

NAMES = {
    "ensemble": "ensemble", "one": "one teacher", "teacher.0": "teacher", "student": "student", "no_teacher": "no teacher",
    "all_labels": "all labels", "untrained": "untrained",
}  # fmt: skip
COLOURS = {"student": "blue", "no_teacher": "yellow", "all_labels": "yellow"}
ENGINE = "onnxruntime"


def summary(report: dict[str, Any]) -> Group:
    """Table, ratios, the verdict with who saw which labels, what a reader must know beside it, and what was paid."""
    verdict = report["verdict"]
    return Group(
        table(report),
        Text(""),
        Text(ratios(report)),
        Text(verdict["sentence"], style="bold"),
        Text(verdict["labels"]),
        *(Text(warning, style="yellow") for warning in report["warnings"]),
        *([Text(bill(report["bill"]))] if report["bill"] else []),
    )


def bill(paid: dict[str, Any]) -> str:
    """`The bill: $0.0164 for 343 calls, cap $0.0165`."""
    cap = "" if paid["cap"] is None else f", cap ${paid['cap']:,.4f}"
    return f"The bill: ${paid['usd']:,.4f} for {paid['calls']:,} calls{cap}"


def table(report: dict[str, Any]) -> Table:
    """One row a model (the first of several teachers stands for one): headline metric with its 95% interval, parameters, bytes, latency at batch 1, rows a second."""
    metric = report["grade"]["headline"]["metric"]
    shown = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    shown.add_column("", no_wrap=True)
    for name in (metric, "parameters", "bytes", "p50", "p95", "rows/s"):
        shown.add_column(name, justify="right", no_wrap=True)
    roles = {role["role"]: role for role in report["grade"]["roles"]}
    for name, role in roles.items():
        if name.startswith("teacher.") and name != "teacher.0":
            continue
        cells = [figure(role["metrics"][metric], metric), *size(report["sizes"].get(name)), *speed(report, name)]
        shown.add_row(
            NAMES["one" if name == "teacher.0" and "ensemble" in roles else name], *cells, style=COLOURS.get(name)
        )
    return shown


def figure(found: dict[str, Any], metric: str) -> str:
    """`97.5 [96.2, 98.4]`; a loss is no percentage."""
    scale, places = (1, 3) if metric == "nll" else (100, 1)
    text = f"{found['value'] * scale:.{places}f}"
    if found["low"] is None or found["high"] is None:
        return text
    return f"{text} [{found['low'] * scale:.{places}f}, {found['high'] * scale:.{places}f}]"


def size(found: dict[str, int] | None) -> tuple[str, str]:
    if found is None:
        return "", ""
    return f"{found['parameters']:,}", f"{found['bytes'] / 1000:,.0f} kB"


def speed(report: dict[str, Any], role: str) -> tuple[str, str, str]:
    """Seconds of one row, median and 95th percentile, and rows a second in batches."""
    found = next((each for each in report["latencies"].get(role, ()) if each["engine"] == ENGINE), None)
    if found is None:
        return "", "", ""
    return microseconds(found["p50"]), microseconds(found["p95"]), f"{found['rows_per_second']:,.0f}"


def microseconds(seconds: float) -> str:
    return f"{seconds * 1e6:,.1f} µs" if seconds < 1e-3 else f"{seconds * 1e3:,.1f} ms"


def ratios(report: dict[str, Any]) -> str:
    """Retention and lifts in a line, compression and speed-up in another, as far as they are known."""
    headline, found = report["grade"]["headline"], report["ratios"]
    metric, kept, sizes = headline["metric"], [], []
    if headline["retention"]:
        kept.append(f"kept {figure(headline['retention'], 'share')}%")
    if headline["lift"]:
        kept.append(f"lift {signed(headline['lift'], metric)}")
    if headline["lift_all_labels"]:
        kept.append(f"over all labels {signed(headline['lift_all_labels'], metric)}")
    for kind, word in (("parameters", "smaller"), ("speed", "faster")):
        one, whole = found[f"{kind}_of_one"], found[f"{kind}_of_all"]
        if one:
            sizes.append(f"{one:.1f}x {word}" + (f" than one teacher, {whole:.1f}x than all" if whole != one else ""))
    return "\n".join(" · ".join(parts) for parts in (kept, sizes) if parts)


def signed(found: dict[str, Any], metric: str) -> str:
    return ("+" if found["value"] > 0 else "") + figure(found, metric)
