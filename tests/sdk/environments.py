"""Makes an environment for each SDK that cannot be installed with the others: ``python tests/sdk/environments.py``.

They are made in the folder `.sdk` at the top, where test_sdks.py finds them: virtual environments for Python
SDKs, and one folder for Node's, where node is present. Two more hold the tools that tests/beside/ tries.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
FOLDER = ROOT / ".sdk"
PYTHON = {
    "langchain": ["langchain-google-genai>=4", "aiohttp"],
    "pydantic_ai": ["pydantic-ai-slim[google]>=2"],
    "litellm": ["litellm>=1.100"],
    "beside": [
        *("google-genai", "requests", "httpx2"),
        *("vcrpy>=9", "pytest-recording", "pytest-httpx", "responses", "respx", "pytest-socket"),
        *("freezegun", "time-machine", "pyfakefs", "pytest>=9", "pytest-rerunfailures"),
        *("opentelemetry-sdk", "opentelemetry-instrumentation-httpx", "opentelemetry-instrumentation-requests"),
        *("pytest-asyncio", "anyio", "trio", "pytest-trio", "gevent", "uvloop"),
    ],
    "pre_commit": ["pre-commit>=3.2"],
    "beside-pytest8": ["pytest<9", "pytest-subtests", "cassetter", "requests"],
}
UV = [sys.executable, "-m", "uv"]
NODE = {"node": ["@google/genai"]}


def main() -> None:
    """Make the environments that are missing."""
    for name, packages in PYTHON.items():
        place = FOLDER / name
        if not (place / "bin" / "python").exists():
            print(f"{name}: {' '.join(packages)}", flush=True)
            subprocess.run([*UV, "venv", "-q", "--python", sys.executable, place], check=True)
            subprocess.run([*UV, "pip", "install", "-q", "--python", place, "-e", ROOT, *packages], check=True)
    for name, packages in NODE.items():
        place = FOLDER / name
        if shutil.which("npm") and not (place / "node_modules").exists():
            print(f"{name}: {' '.join(packages)}", flush=True)
            place.mkdir(parents=True, exist_ok=True)
            subprocess.run(
                ["npm", "install", "--silent", "--no-audit", "--no-fund", *packages], cwd=place, check=True
            )


if __name__ == "__main__":
    main()
