"""Takes secrets out of everything that is stored or said.

- `redactor` takes them out of requests, responses and messages; the others serve it.
- `judging` says whether a text could be a secret, `telling_names` whether a name says so, `shapes` how keys look,
  `environment` what the environment knows.
- `documents` takes request bodies apart, `codings` unpacks them, `spellings` undoes escapes, `search` finds secrets
  in what is left, `streaming` does so in a body that is still coming.
- `placeholders` says what stands where a secret was, `removals` what was taken out.
- `scanning` looks again at whole cassettes.
"""

from .placeholders import REDACTED
from .redactor import Redactor
from .removals import Removal

__all__ = ["REDACTED", "Redactor", "Removal"]
