"""Removes secrets from everything that is stored or printed.

- `redactor` is where to begin: it removes secrets from a request and its response, with `request_body`, `text` (texts
  and URLs) and `stream_redactor` (a response while it arrives; `channel` is the text that a model streams in it).
- `finder` finds secrets: `known_values` in any of the `encodings` that can hide one (`known_forms`), `keys` by their
  `key_formats`, and values by the `secret_names` before them. `randomness` says whether a value can be secret at all.
- `parsed_body` parses bodies into texts. `replacements` says what replaces a secret, and lists what was removed.
- `scanning` searches stored cassettes again.
"""

from .redactor import Redactor, RequestRedactor
from .replacements import REDACTED, Removal

__all__ = ["REDACTED", "Redactor", "Removal", "RequestRedactor"]
