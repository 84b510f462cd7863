"""What every test run of this project shares; the fixtures of hidden tests come from autograder.pytest_plugin."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import pytest
import torch

# Courses and notebooks that tests work on are material, not tests of this project.
collect_ignore_glob = ["toolkit/courses/*", "submissions/*"]

# As the command line does: importing jsonschema without it takes two seconds less.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]

# Two threads on two cores that other processes use as well are slower than one.
torch.set_num_threads(1)


def pytest_configure(config: pytest.Config) -> None:
    """Keep the user's Jupyter, IPython and matplotlib settings and a deaf Ctrl-C out, in child processes too."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # so a shell starts what runs in its background
        signal.signal(signal.SIGINT, signal.default_int_handler)
    folder = Path(tempfile.mkdtemp(prefix="autograder-tests-"))
    config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
    for variable in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR", "MPLCONFIGDIR"):
        os.environ[variable] = str(folder / variable.lower())


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test that needs what this machine lacks; in CI, which installs a browser, fail instead."""
    if item.get_closest_marker("gpu") and not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    if item.get_closest_marker("browser") and not shutil.which("chromium"):
        message = "needs Chromium: apt-get install chromium"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
