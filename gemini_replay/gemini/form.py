"""What is form in Gemini's messages, and what is data or comes and goes."""

from __future__ import annotations

from ..provider import Members

MEMBERS = Members(
    data=frozenset(
        {
            ("functionCall", "args"),
            ("functionCall", "partialArgs"),
            ("functionResponse", "response"),
            ("sdkHttpResponse", "headers"),
            ("details", "metadata"),
        }
    ),
    stated=frozenset({"finishReason", "blockReason", "mimeType", "role", "@type"}),
    stated_in_errors=frozenset({"code", "status", "reason"}),
    # Whether a model thinks, cites or finds something in a cache is its own choice.
    varying=frozenset(
        {
            "avgLogprobs",
            "cacheTokensDetails",
            "cachedContentTokenCount",
            "citationMetadata",
            "finishMessage",
            "groundingAttributions",
            "groundingMetadata",
            "safetyRatings",
            "thought",
            "thoughtSignature",
            "thoughtsTokenCount",
            "toolUsePromptTokenCount",
            "toolUsePromptTokensDetails",
            "urlContextMetadata",
        }
    ),
)
