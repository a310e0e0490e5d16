"""Sets everything up and runs it: `python run.py` the app, `python run.py test` all checks.

`python run.py quick` runs the quick tests alone, `python run.py lowest` the same with the oldest packages that
`requirements.txt` allows. Needs Python 3.11 or newer and nothing else. The packages go into `.venv` beside this
file, made by the Python that ran it first: `python3.13 run.py quick` in a new checkout tries another one.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import venv
from contextlib import suppress
from pathlib import Path

HERE = Path(__file__).resolve().parent
VENV = HERE / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
LOWEST = HERE / "build" / "lowest"
QUICK = ("params", "decode", "chain", "measure", "vision", "tables", "reading", "memory", "queue")  # tests
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


def oldest() -> list[str]:
    """The oldest versions that `requirements.txt` allows: "name==version"."""
    lines = (HERE / "requirements.txt").read_text().splitlines()
    return [f"{found[1]}=={found[2]}" for line in lines if (found := re.match(r"([\w-]+)>=([\d.]+)", line))]


def lowest(options: list[str]) -> int:
    """The quick tests with the oldest packages, which are put before those of `.venv`."""
    shutil.rmtree(LOWEST, ignore_errors=True)
    code = "from importlib.metadata import distributions as of; import sys; print(*{a.version for a in of(name=sys.argv[1])})"
    older = []
    for wanted in oldest():
        name, _, version = wanted.partition("==")
        asked = subprocess.run([PYTHON, "-c", code, name], capture_output=True, text=True, check=True)
        there = asked.stdout.strip()  # nothing, where the package is for another system
        if there and re.sub(r"(\.0)+$", "", there) != re.sub(r"(\.0)+$", "", version):
            older.append(wanted)
    print("Older than in .venv:", *older or ["nothing"], flush=True)
    if not older:
        return 0
    pip = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*pip, "--target", LOWEST, *older], check=True)
    return quick(options, PYTHONPATH=str(LOWEST))


def quick(options: list[str], **environment: str) -> int:
    """The tests of what can be tried without a browser and without TensorFlow's minutes."""
    files = [HERE / "tests" / f"test_{name}.py" for name in QUICK]
    command = [PYTHON, "-m", "pytest", "-q", "-m", "not browser", *files, *options]
    return subprocess.run(command, cwd=HERE, env=os.environ | environment).returncode


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


def hosts() -> list[str]:
    """The names under which this machine is reached.

    A page elsewhere could give its own name this machine's address, and the browser would then let it speak to
    the app: the server answers to these names alone. Others are added with `--server.allowedHosts NAME`, once
    for each, or set in STREAMLIT_SERVER_ALLOWED_HOSTS.
    """
    name = socket.gethostname()
    found = ["localhost", "127.0.0.1", "::1", name, socket.getfqdn(), f"{name.split('.')[0]}.local"]
    with suppress(OSError):  # a machine whose own name leads nowhere
        found += [str(address[4][0]).split("%")[0] for address in socket.getaddrinfo(name, None)]
    for family, anywhere in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as way:  # no network of that kind
            way.connect((anywhere, 9))  # sends nothing; tells which address would be used
            found.append(way.getsockname()[0])
    return list(dict.fromkeys(found))


def main() -> int:
    if sys.version_info < (3, 11):  # noqa: UP036 - this file is what an older Python meets first
        print(f"Glassbox needs Python 3.11 or newer; this is {sys.version.split()[0]}.")
        return 1
    task, rest = (sys.argv[1] if len(sys.argv) > 1 else "app"), sys.argv[2:]
    if task == "app":
        install("requirements.txt")
        command = [PYTHON, "-m", "streamlit", "run", HERE / "streamlit_app.py"]
        if "STREAMLIT_SERVER_ALLOWED_HOSTS" not in os.environ:
            command += [part for name in hosts() for part in ("--server.allowedHosts", name)]
        command += rest
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
    if task in ("quick", "lowest"):
        install("requirements-dev.txt")
        return quick(rest) if task == "quick" else lowest(rest)
    print(__doc__)
    return 2


if __name__ == "__main__":
    raise SystemExit(main())
