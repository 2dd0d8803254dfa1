"""Which of the shop's two languages a person reads."""

LANGUAGES = ("en", "zh")


def negotiate(accept_language: str | None) -> str:
    """The best of `en` and `zh` for an `Accept-Language` header (RFC 9110 §12.5.4); `en` otherwise."""
    if not accept_language:
        return "en"
    best, best_weight = "en", 0.0
    for part in accept_language.split(","):
        tag, _, parameter = part.strip().partition(";")
        language = tag.strip().lower().partition("-")[0]
        if language not in LANGUAGES:
            continue
        name, _, value = parameter.strip().partition("=")
        try:
            weight = float(value) if name.strip() == "q" else 1.0
        except ValueError:
            continue
        if weight > best_weight:
            best, best_weight = language, weight
    return best
