"""Cells of the command line."""

import pytest

from stillhouse.cli.output import text


@pytest.mark.parametrize(
    ("name", "value", "cell"),
    [
        ("device_seconds", 66.29736799999999, "66.3"), ("usd", 0.0, "0"), ("usd", 0.016412, "0.01641"),
        ("device_seconds", 123456.789, "123456.79"), ("usd_per_month", 2000.0, "2000"), ("calls", 12345, "12345"),
        ("price", {"version": 1, "input": 0.4, "output": 1.6, "cached": None, "batch": None}, "0.40/1.60"),
        ("price", {"version": 1, "input": 0.075, "output": 1, "cached": 0.5, "batch": 0.5}, "0.075/1.00/0.50, batch 0.5"),
        ("prices", [], ""), ("limits", {"concurrency": 4, "tokens_per_minute": 0, "stream_idle": None}, "concurrency 4"), ("price", None, ""),
    ],
)  # fmt: skip
def test_a_cell_is_short(name: str, value: object, cell: str) -> None:
    assert text(name, value) == cell
