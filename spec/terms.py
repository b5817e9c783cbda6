"""Terms of services that restrict training on their outputs, as far as they are known: data with dates and sources, no legal advice.

A job that asks such a service says `teacher.accept_terms`: its owner has read them, and knows that what it makes is allowed.
"""

from spec.facts import Terms

KNOWN: tuple[Terms, ...] = (
    Terms(
        host="api.openai.com",
        party="OpenAI",
        forbids="using output to develop models that compete with OpenAI",
        source="https://openai.com/policies/terms-of-use",
        effective="2024-01-31",
    ),
    Terms(
        host="api.anthropic.com",
        party="Anthropic",
        forbids="building a competing product or service, training competing AI models included",
        source="https://www.anthropic.com/legal/commercial-terms",
        effective="2025-06-17",
    ),
    Terms(
        host="generativelanguage.googleapis.com",
        party="Google",
        forbids="developing models that compete with the Gemini API or Google AI Studio",
        source="https://ai.google.dev/gemini-api/terms",
        effective="2025-05-20",
    ),
)
"""`effective`: of the version that was read; newer ones may say something else."""


def of_host(host: str) -> Terms | None:
    return next((terms for terms in KNOWN if host.lower() == terms.host), None)
