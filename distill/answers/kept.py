"""What filters have left, in words: for the events, and where nothing is left."""

from collections.abc import Iterable

from distill.report.asked import Dropped, Kept
from distill.run import RunFolder
from spec.problem import Problem, Refused
from spec.responses import FILTERS


def tell(folder: RunFolder, kept: Kept, places: Iterable[int], dropped: Iterable[Dropped]) -> None:
    """A message for each filter at these places, for some of the rows that they dropped, and for all together.

    Refused (`nothing_kept`).
    """
    for place in places:
        one = kept.filters[place]
        text = f"keep[{place}] ({one.what}) applies to {one.applied:,} rows and drops {one.drops}."
        folder.message(text, level="warning" if one.dropped else "info")
    for row in dropped:
        by = ", ".join(f"keep[{place}]" for place in row.by) or "no filter applies"
        folder.message(f"train row {row.row}: {row.said} ({by})")
    none = f" To {kept.unmatched:,} no filter applies." if kept.unmatched else ""
    text = f"Of {kept.answered:,} answered training rows {kept.kept:,} are kept.{none}"
    folder.message(text, level="warning" if kept.kept < kept.answered else "info")
    if not kept.kept:
        raise Refused(_nothing(kept))


def _nothing(kept: Kept) -> Problem:
    counted = [
        f"{one.dropped:,} by keep[{place}] ({one.what})" for place, one in enumerate(kept.filters) if one.dropped
    ]
    counted += [f"{kept.unmatched:,} to which none applies"] if kept.unmatched else []
    return Problem(
        code="nothing_kept",
        message=f"The filters drop all {kept.answered:,} answered training rows: {', '.join(counted)}.",
        param=FILTERS,
        hint="The events show some of the answers. They are not paid for again: mend the filters, and post the job once more.",
    )
