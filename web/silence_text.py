"""The promise of silence, in words."""

from typing import Any


def silence_lines(silence: dict[str, Any]) -> list[str]:
    """What is promised, then a line a locale."""
    if silence["max_wrong"] is None:
        return ["no promise: the bars that Verbatim ships decide"]
    promise = f"at most {silence['max_wrong']:.1%} of questions answered wrongly"
    if not silence["learned"]:
        return [promise, "what that takes is learned when the server starts or a question is asked"]
    return [
        promise,
        *(f"{locale}  {_bar(bar)}" for locale, bar in silence["locales"].items()),
    ]


def _bar(bar: dict[str, Any] | None) -> str:
    if bar is None:
        return "no guarantee: too few phrasings that the model has not seen; the cautious bars hold"
    return (
        f"answers from confidence {bar['confidence']:.2f}: {bar['coverage']:.0%} of "
        f"{bar['rehearsed']} questions put to itself, {bar['wrong']} of them wrongly"
    )
