"""Which rows are learned from, which are held out, and what their columns mean."""

from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypeAliasType

from spec.condition import Condition
from spec.part import Auto, List, Name, Part, Seed, Share
from spec.responses import GivenResponses, Responses
from spec.synthesis import Synthesis
from spec.teacher import DatasetId


class Columns(Part):
    """Roles of columns; `auto`: the role that the dataset gives; null: not used."""

    input: Auto | Name | Annotated[List[Name], Field(min_length=2, max_length=2)] = "auto"
    """What teachers and student see: arrays, images or texts; two columns of texts: pairs of them, such as a query and a passage."""
    label: Auto | Name | None = "auto"
    """The name of the class; a column of lists of names: any number of classes a row. `auto`: of the training rows' dataset, and where it has none, of the held-out rows'."""
    group: Auto | Name | None = "auto"
    """Rows of one group are drawn to the same side, such as pages of one writer, or the passages of one query: of a pair, the query's own column may be the group, too."""
    id: Auto | Name | None = "auto"
    """By which signals are found; without it, by the row itself."""


class Jitter(Part):
    """Random affine copies of training images (Hinton et al. 2015, section 3: "jittered" inputs)."""

    type: Literal["jitter"]
    pixels: Annotated[float, Field(ge=0, le=64)] = 0.0
    """Largest shift along each axis, in pixels; fractions are interpolated."""
    rotation: Annotated[float, Field(ge=0, le=3.2)] = 0.0
    """Largest rotation, in radians."""
    scale: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Largest relative change of size."""
    copies: Annotated[int, Field(ge=1, le=64)] | None = None
    """A fixed number of drawn copies a row (a teacher scores each once); null: a new draw each epoch, labels only."""


class Words(Part):
    """Copies of training texts in which words are missing, for the teacher to answer (Tang et al. 2019, section 3.2, whose masked words are left out here: a copy is never longer than its row).

    A copy has its row's other columns, but no label and no id. It is left out where it is a row's text already, held-out and validation rows' too, or another copy's.
    """

    type: Literal["words"]
    copies: Annotated[int, Field(ge=1, le=64)] = 4
    """Copies of a row at most: each is asked about, or scored, like a row."""
    drop: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Probability that a word is left out."""
    ngram: Annotated[float, Field(ge=0, le=1)] = 0.25
    """Probability that one to five neighbouring words are all that is left."""


Augment = TypeAliasType("Augment", Annotated[Jitter | Words, Field(discriminator="type")])


class Data(Part):
    """Rows. Draws are by hash of (seed, purpose, row digest or group), so added rows move no old row to another side (below 10,000 rows, where shares are met exactly: one old row for each added, in each draw)."""

    train: DatasetId
    """`ds_x`, `ds_x/split` (default split: train) or `file-x`."""
    heldout: Auto | Annotated[float, Field(gt=0, lt=1)] | DatasetId = "auto"
    """Rows of the report: a dataset, or a share of the training rows. `auto`: the dataset's `test` split, else 0.1. Where a teacher answers, a share is of the rows with a label."""
    validation: Auto | Annotated[float, Field(gt=0, lt=1)] | DatasetId | None = "auto"
    """Rows for choices during training, never the report's. `auto`: 0.1 where something is chosen, else none. A share is of the same rows as that of held-out rows."""
    seed: Seed = 0
    """Seed of all draws of rows; apart from the training seed."""
    share: Share = 1.0
    """Share of the training rows that is used at all."""
    labelled: Share = 1.0
    """Share of the training rows whose labels are seen."""
    where: Annotated[List[Condition], Field(max_length=16)] = ()
    """Conditions that every training row must meet."""
    augment: Augment | None = None
    """Changed copies of the training rows, beside the rows themselves: `jitter` of images, `words` of texts."""
    columns: Columns = Columns()
    responses: Responses = GivenResponses(type="given")
    """Who writes what follows an input."""
    synthesise: Synthesis | None = None
    """New training texts that the teacher writes and then answers. null: the rows are what they are."""
    allow_overlap: bool = False
    """Go on although held-out rows are among the training rows. The report says so."""

    @property
    def jitter(self) -> Jitter | None:
        return self.augment if isinstance(self.augment, Jitter) else None

    @property
    def words(self) -> Words | None:
        return self.augment if isinstance(self.augment, Words) else None
