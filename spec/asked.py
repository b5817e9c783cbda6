"""Everybody behind an endpoint whom a job asks: the teacher, and the judges of its answers."""

from dataclasses import dataclass

from spec.distillation import Distillation
from spec.facts import Capabilities, EndpointFacts, Facts
from spec.responses import FILTERS, TeacherResponses, judges
from spec.sampling import Sampling
from spec.teacher import asked, divided


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A model, and the places in the job that name it and say how it draws."""

    endpoint: str
    model: str
    param: str
    sampling: Sampling
    sampling_param: str

    def known(self, facts: Facts) -> EndpointFacts | None:
        return facts.endpoints.get(self.endpoint)

    def able(self, facts: Facts) -> Capabilities | None:
        """What is known of the model; what was not probed is taken to be able to do nothing. None: the endpoint is unknown."""
        known = self.known(facts)
        return known.probed.get(self.model, Capabilities()) if known else None


def everybody(spec: Distillation) -> list[Asked]:
    """The teacher first."""
    return [*filter(None, [teacher(spec)]), *(judge for _, judge in judging(spec))]


def teacher(spec: Distillation) -> Asked | None:
    """None: no endpoint teaches."""
    named, responses = asked(spec.teacher), spec.data.responses
    if named is None:
        return None
    sampling = responses.sampling if isinstance(responses, TeacherResponses) else Sampling()
    return Asked(
        endpoint=named[0],
        model=named[1],
        param="teacher.models[0]",
        sampling=sampling,
        sampling_param="data.responses.sampling",
    )


def judging(spec: Distillation) -> list[tuple[int, Asked]]:
    """The judges, each with its place among the filters."""
    found = []
    for place, judge in judges(spec.data.responses):
        endpoint, model = divided(judge.model)
        param = f"{FILTERS}[{place}]"
        found.append(
            (
                place,
                Asked(
                    endpoint=endpoint,
                    model=model,
                    param=f"{param}.model",
                    sampling=judge.sampling,
                    sampling_param=f"{param}.sampling",
                ),
            )
        )
    return found
