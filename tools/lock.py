"""Write constraints.txt: the exact version of everything that requirements.txt brings today."""

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEADER = """\
# Exact versions of everything, written by `make lock`. torch without a local build tag, so that
# a CPU build and a CUDA build both fit.
"""


def main():
    """Install the newest allowed versions in a throw-away environment and write them down."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        pip = [f"{folder}/bin/python", "-m", "pip", "--disable-pip-version-check"]
        wanted = [*sys.argv[1:], "--requirement", str(ROOT / "requirements.txt")]
        subprocess.run([*pip, "install", "--quiet", *wanted], check=True)
        frozen = subprocess.run([*pip, "freeze"], check=True, capture_output=True, text=True).stdout
    pins = [line.split("+")[0] for line in frozen.splitlines() if "==" in line]
    written = ROOT / "constraints.txt.new"
    written.write_text(HEADER + "\n".join(pins) + "\n")
    written.replace(ROOT / "constraints.txt")


if __name__ == "__main__":
    main()
