"""inspect: files -> facts. A dataset is looked at without torch, whose import takes longer than the look."""

from distill.run import RunFolder
from spec.params import InspectDataset, InspectModel, InspectPair, InspectTokenizer
from spec.run import Result


def run(folder: RunFolder, params: InspectDataset | InspectModel | InspectTokenizer | InspectPair) -> Result:
    """By kind: DatasetFacts, ModelFacts, TokenizerFacts or PairFacts. Refused with the reasons that a user can mend."""
    result: Result = folder.load(f"distill.inspection.{params.kind}").inspect(folder, params)
    return result
