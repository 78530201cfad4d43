"""The benchmarks of gemini-replay: ``python -m benchmarks`` measures, prints and writes all tables.

They use the streams and servers in `tests/support`.
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent.parent / "tests"))
