"""Terms that restrict or burden models trained on outputs, as far as they are known: data with dates and sources, no legal advice.

Two kinds stand in one table: terms of a service, found by its host, and licences of weights, found by the name that an endpoint or a model
states. What is not listed may say the same.
"""

from spec.facts import EndpointFacts, ModelFacts, Standing, Terms

NON_COMMERCIAL = "use that is primarily for commercial advantage, which by a cautious reading what is made of it may not be for either"
NAMING = '"Llama" at the beginning of the name of a model trained on its outputs, and "Built with Llama" shown, where it is distributed'
CREATIVE = "https://creativecommons.org/licenses"
KNOWN: tuple[Terms, ...] = (
    Terms(
        name="OpenAI's terms of use",
        party="OpenAI",
        hosts=("api.openai.com",),
        forbids="using output to develop models that compete with OpenAI",
        source="https://openai.com/policies/terms-of-use",
        effective="2024-01-31",
    ),
    Terms(
        name="Anthropic's commercial terms",
        party="Anthropic",
        hosts=("api.anthropic.com",),
        forbids="building a competing product or service, training competing AI models included",
        source="https://www.anthropic.com/legal/commercial-terms",
        effective="2025-06-17",
    ),
    Terms(
        name="the Gemini API's terms",
        party="Google",
        hosts=("generativelanguage.googleapis.com",),
        forbids="developing models that compete with the Gemini API or Google AI Studio",
        source="https://ai.google.dev/gemini-api/terms",
        effective="2025-05-20",
    ),
    Terms(
        name="the Llama 2 community licence",
        party="Meta",
        licences=("llama2", "llama-2"),
        forbids="using outputs to improve any other large language model",
        source="https://ai.meta.com/llama/license/",
        effective="2023-07-18",
    ),
    Terms(
        name="the Llama 3 community licence",
        party="Meta",
        licences=("llama3", "llama-3"),
        forbids="using outputs to improve any other large language model",
        source="https://llama.meta.com/llama3/license/",
        effective="2024-04-18",
    ),
    Terms(
        name="the Llama 3.1 community licence",
        party="Meta",
        licences=("llama3.1", "llama-3.1"),
        asks=NAMING,
        source="https://www.llama.com/llama3_1/license/",
        effective="2024-07-23",
    ),
    Terms(
        name="the Llama 3.2 community licence",
        party="Meta",
        licences=("llama3.2", "llama-3.2"),
        asks=NAMING,
        source="https://www.llama.com/llama3_2/license/",
        effective="2024-09-25",
    ),
    Terms(
        name="the Llama 3.3 community licence",
        party="Meta",
        licences=("llama3.3", "llama-3.3"),
        asks=NAMING,
        source="https://www.llama.com/llama3_3/license/",
        effective="2024-12-06",
    ),
    Terms(
        name="the Llama 4 community licence",
        party="Meta",
        licences=("llama4", "llama-4"),
        asks=NAMING,
        source="https://www.llama.com/llama4/license/",
        effective="2025-04-05",
    ),
    Terms(
        name="the Gemma terms of use",
        party="Google",
        licences=("gemma",),
        asks="that whoever distributes a model distilled from Gemma, a derivative by its terms, passes on their limits of use with a notice",
        source="https://ai.google.dev/gemma/terms",
        effective="2024-04-01",
    ),
    Terms(
        name="CC BY-NC 4.0",
        party="Creative Commons",
        licences=("cc-by-nc-4.0",),
        forbids=NON_COMMERCIAL,
        source=f"{CREATIVE}/by-nc/4.0/legalcode",
        effective="2013-11-25",
    ),
    Terms(
        name="CC BY-NC-SA 4.0",
        party="Creative Commons",
        licences=("cc-by-nc-sa-4.0",),
        forbids=NON_COMMERCIAL,
        source=f"{CREATIVE}/by-nc-sa/4.0/legalcode",
        effective="2013-11-25",
    ),
    Terms(
        name="CC BY-NC-ND 4.0",
        party="Creative Commons",
        licences=("cc-by-nc-nd-4.0",),
        forbids=NON_COMMERCIAL,
        source=f"{CREATIVE}/by-nc-nd/4.0/legalcode",
        effective="2013-11-25",
    ),
)
"""`effective`: of the version that was read; newer ones may say something else."""


def of_host(host: str) -> tuple[Terms, ...]:
    return tuple(terms for terms in KNOWN if host.lower() in terms.hosts)


def of_licence(licence: str | None) -> tuple[Terms, ...]:
    """Of a licence as its owner has written it, without regard to case."""
    name = (licence or "").strip().casefold()
    return tuple(terms for terms in KNOWN if name in terms.licences)


def standing(model: str, known: EndpointFacts | ModelFacts) -> Standing:
    """Under which terms a teacher stands: those of its host, of its licence, and of whoever taught it."""
    own = of_licence(known.licence)
    further = known.terms if isinstance(known, EndpointFacts) else known.taught_under
    return Standing(model=model, licence=known.licence, terms=tuple(dict.fromkeys((*own, *further))))
