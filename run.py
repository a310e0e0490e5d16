"""Sets everything up and runs it: `python run.py` the app, `python run.py test` all checks.

Needs Python 3.11 or newer and nothing else. The packages go into `.venv` beside this file.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
VENV = HERE / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
DEBIAN = ("chromium", "fonts-noto-cjk", "libgl1", "libglib2.0-0")


def install(requirements: str) -> None:
    """Makes `.venv` with what `requirements` lists, unless it is there already."""
    wanted = "".join((HERE / name).read_text() for name in ("requirements.txt", requirements))
    stamp = VENV / f"installed-{requirements}"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    if not PYTHON.exists():
        print("Making .venv …", flush=True)
        venv.create(VENV, with_pip=True)
    print(f"Installing {requirements} (about 3 GB with TensorFlow; a minute or two) …", flush=True)
    pip = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"]
    subprocess.run([*pip, HERE / requirements], check=True)
    stamp.write_text(wanted)


def browser() -> None:
    """Makes sure that there is a Chromium for the browser tests."""
    if any(shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome")):
        return
    if shutil.which("apt-get") and hasattr(os, "geteuid") and os.geteuid() == 0:
        print("Installing Chromium and fonts …", flush=True)
        subprocess.run(["apt-get", "update", "-q"], check=True, stdout=subprocess.DEVNULL)
        apt = ["apt-get", "install", "-yq", "--no-install-recommends", *DEBIAN]
        subprocess.run(apt, check=True, stdout=subprocess.DEVNULL)
    else:
        print("Fetching a Chromium for the browser tests …", flush=True)
        subprocess.run([PYTHON, "-m", "playwright", "install", "chromium"], check=True)


def main() -> int:
    if sys.version_info < (3, 11):  # noqa: UP036 - this file is what an older Python meets first
        print(f"Glassbox needs Python 3.11 or newer; this is {sys.version.split()[0]}.")
        return 1
    task, rest = (sys.argv[1] if len(sys.argv) > 1 else "app"), sys.argv[2:]
    if task == "app":
        install("requirements.txt")
        command = [PYTHON, "-m", "streamlit", "run", HERE / "streamlit_app.py", *rest]
        return subprocess.run(command, cwd=HERE).returncode
    if task == "test":
        install("requirements-dev.txt")
        browser()
        checks = (
            ["ruff", "format", "--check", "."],
            ["ruff", "check", "."],
            ["mypy"],
            ["pytest", *rest],
        )
        for check in checks:
            print("\n$", *check, flush=True)
            code = subprocess.run([PYTHON, "-m", *check], cwd=HERE).returncode
            if code:
                return code
        return 0
    print(__doc__)
    return 2


if __name__ == "__main__":
    raise SystemExit(main())
