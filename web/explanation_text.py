"""An explanation as the command line prints it."""

from assistant.explanations import Candidate, Explanation, Voice


def format_explanation(explanation: Explanation) -> str:
    """Each article with its share of the belief, below it the texts that spoke for it."""
    sure = f"confidence {explanation.confidence:.2f}, in scope {explanation.in_scope:.2f}"
    if not explanation.matches:
        return f"Why: {sure}; nothing was found."
    articles = [_article(n, match) for n, match in enumerate(explanation.matches, 1)]
    return "\n".join([f"Why: {sure}", *articles])


def _article(place: int, match: Candidate) -> str:
    head = f"{place}. {match.article}  {match.share:.0%} of the belief"
    return "\n".join([head, *(_voice(witness) for witness in match.witnesses)])


def _voice(witness: Voice) -> str:
    strength = f"similarity {witness.similarity:5.2f}  words {witness.words:.2f}"
    return f"   {strength}  {witness.source:8} {witness.locale}  {' '.join(witness.text.split())}"
