"""What the terminal says under a report's verdict."""

from typing import Any

from rich.console import Console

from stillhouse import figures

REPORT: dict[str, Any] = {
    "verdict": {"sentence": "It helped.", "labels": "It saw 3 labels."},
    "grade": {"headline": dict.fromkeys(("retention", "lift", "lift_all_labels")) | {"metric": "accuracy"}, "roles": []},
    "ratios": dict.fromkeys(("parameters_of_one", "parameters_of_all", "speed_of_one", "speed_of_all")),
    "sizes": {}, "latencies": {}, "warnings": [], "bill": None,
}  # fmt: skip
CUT = "The cap was reached after 300 training rows: the others were not asked about."
BILL = {"usd": 0.01641, "calls": 1343, "cap": 0.0165}


def said(**more: Any) -> list[str]:
    console = Console(width=200)
    with console.capture() as captured:
        console.print(figures.summary({**REPORT, **more}))
    lines = [line.strip() for line in captured.get().splitlines()]
    return lines[lines.index(REPORT["verdict"]["labels"]) + 1 :]


def test_warnings_and_the_bill_stand_under_the_verdict() -> None:
    assert said(warnings=[CUT], bill=BILL) == [CUT, "The bill: $0.0164 for 1,343 calls, cap $0.0165"]
    assert said(bill={**BILL, "cap": None}) == ["The bill: $0.0164 for 1,343 calls"]


def test_nothing_stands_there_where_nothing_was_paid_nor_cut() -> None:
    assert said() == []
