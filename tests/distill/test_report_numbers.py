"""How numbers are written."""

import pytest

from distill.report import numbers


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (numbers.decimal(1234.56), "1,234.6"),
        (numbers.decimal(-1.94), "−1.9"),
        (numbers.decimal(-0.01), "0.0"),
        (numbers.signed(4.31), "+4.3"),
        (numbers.signed(-1.9), "−1.9"),
        (numbers.signed(0.01), "0.0"),
        (numbers.bound(0.04), "0.04"),
        (numbers.bound(-0.04), "−0.04"),
        (numbers.bound(0.0), "0.00"),
        (numbers.bound(2.64), "2.6"),
        (numbers.share(0.071), "7.1%"),
        (numbers.share(0.0002), "0.02%"),
        (numbers.share(0.00001), "<0.01%"),
        (numbers.share(0.0), "0.0%"),
        (numbers.percent(0.95), "95%"),
        (numbers.percent(0.975), "97.5%"),
        (numbers.ratio(16.522), "16.5×"),
        (numbers.duration(9.8e-6), "9.8 µs"),
        (numbers.duration(305.2e-6), "305 µs"),
        (numbers.duration(0.0014), "1.4 ms"),
        (numbers.duration(0.99999), "1.0 s"),
        (numbers.duration(119.9), "2 min 0 s"),
        (numbers.duration(7500), "2 h 5 min"),
        (numbers.size(10224), "10.2 kB"),
        (numbers.size(999), "999 B"),
        (numbers.rate(694_400), "694k"),
        (numbers.rate(8512), "8,512"),
        (numbers.number_word(3), "three"),
        (numbers.number_word(12), "12"),
    ],
)
def test_numbers(written: str, expected: str) -> None:
    assert written == expected


def test_metrics_have_names() -> None:
    assert numbers.metric("calibration_15").name == "calibration error over 15 bins"
    assert numbers.metric("f1_micro").name == "micro F1"
