"""How numbers are written: percent and points to 0.1, NLL to 0.001, ratios to 0.1, true minus sign, thousands with commas, kB = 1000."""

from dataclasses import dataclass

from distill.report.figures import Figure

MINUS = "−"
DASH = "–"
"""Stands where there is no number."""
UNITS = (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6))


@dataclass(frozen=True, kw_only=True)
class Metric:
    """What a headline metric is called and how it is written; a figure times `factor`, to `places`."""

    name: str
    factor: float = 100.0
    places: int = 1
    suffix: str = "%"
    """After a level of it."""
    unit: str = "points"
    """After a difference."""
    higher_is_better: bool = True


METRICS = {
    "accuracy": Metric(name="accuracy"),
    "f1": Metric(name="macro F1"),
    "f1_micro": Metric(name="micro F1"),
    "nll": Metric(name="negative log-likelihood", factor=1.0, places=3, suffix="", unit="nats", higher_is_better=False),
}


def metric(name: str) -> Metric:
    """By the name in `Grade`; `calibration_15` is the calibration error over 15 bins."""
    if name.startswith("calibration"):
        bins = name.removeprefix("calibration").removeprefix("_")
        words = f"calibration error over {bins} bins" if bins else "calibration error"
        return Metric(name=words, suffix=" points", higher_is_better=False)
    return METRICS[name]


def decimal(value: float, places: int = 1) -> str:
    """1234.56 -> "1,234.6"; a value that rounds to zero has no sign."""
    text = f"{value:,.{places}f}"
    if not text.strip("-0.,"):
        text = text.removeprefix("-")
    return text.replace("-", MINUS)


def signed(value: float, places: int = 1) -> str:
    """A difference: "+4.3", "−1.9"; zero has no sign."""
    text = decimal(value, places)
    return text if text.startswith(MINUS) or not text.strip("0.,") else f"+{text}"


def bound(value: float, places: int = 1) -> str:
    """A bound of an interval; one that rounds to zero has a decimal more, and keeps its sign: on which side it lies matters."""
    if value and not f"{value:.{places}f}".strip("-0."):
        return f"{value:.{places + 1}f}".replace("-", MINUS)
    return decimal(value, places + (value == 0))


def interval(figure: Figure, factor: float = 100.0, places: int = 1) -> str:
    """ "[2.6, 6.1]", or "" where it cannot be said."""
    if figure.low is None or figure.high is None:
        return ""
    return f"[{bound(figure.low * factor, places)}, {bound(figure.high * factor, places)}]"


def level(figure: Figure, kind: Metric) -> str:
    """A metric's value without its sign of percent: "97.5"."""
    return decimal(figure.value * kind.factor, kind.places)


def share(value: float) -> str:
    """ "7.1%"; "0.02%" under a twentieth of a percent, "<0.01%" where two decimals are not enough."""
    if 0 < value < 0.00005:
        return "<0.01%"
    return f"{decimal(value * 100, 2 if 0 < value < 0.0005 else 1)}%"


def percent(value: float) -> str:
    """A share that somebody asked for: 0.95 is "95%", 0.975 is "97.5%"."""
    return f"{value * 100:.6g}%"


def ratio(value: float) -> str:
    return f"{decimal(value)}×"


def count(value: float) -> str:
    return f"{value:,.0f}"


def duration(seconds: float) -> str:
    """ "9.8 µs", "305 µs", "1.4 ms", "12.2 s", "3 min 20 s", "2 h 5 min"."""
    if seconds >= 3570:
        hours, minutes = divmod(round(seconds / 60), 60)
        return f"{hours} h {minutes} min"
    if seconds >= 99.95:
        minutes, rest = divmod(round(seconds), 60)
        return f"{minutes} min {rest} s"
    unit, size = next(((unit, size) for unit, size in UNITS if seconds >= 0.9995 * size), UNITS[-1])
    amount = seconds / size
    return f"{amount:.1f} {unit}" if amount < 99.95 else f"{amount:,.0f} {unit}"


def size(bytes: int) -> str:
    """ "10.2 kB"; kB = 1000."""
    for unit, step in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if bytes >= step:
            return f"{decimal(bytes / step)} {unit}"
    return f"{bytes} B"


def rate(per_second: float) -> str:
    """Rows a second: "694k", "1.2M", "8,512"."""
    if per_second >= 1e6:
        return f"{decimal(per_second / 1e6)}M"
    return f"{count(per_second / 1e3)}k" if per_second >= 1e4 else count(per_second)


def number_word(value: int) -> str:
    """Small counts in words, as sentences have them."""
    words = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    return words[value] if value < len(words) else count(value)
