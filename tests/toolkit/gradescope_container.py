"""A machine as Gradescope's containers are: root without privileges, and the bundle unpacked below ``/autograder``.

All of it lies in a mount namespace: this machine's folders, but its own ``/autograder``, ``/opt`` and ``/tmp``.
Installing takes minutes and a network, so ``apt-get``, ``python3.N`` and the new environment's Python are programs that
write down what they were told, until ``finish`` puts the libraries of this test run in their place.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

VERSION = f"python{sys.version_info.major}.{sys.version_info.minor}"

_ENTER = """
set -e
root=$1
mount -t tmpfs -o mode=0755 tmpfs "$root"
for entry in /*; do
    case $entry in /autograder|/opt|/tmp) continue;; esac
    if [ -L "$entry" ]; then cp -P "$entry" "$root"
    elif [ -d "$entry" ]; then mkdir "$root$entry"; mount --rbind "$entry" "$root$entry"
    fi
done
mkdir "$root/autograder" "$root/opt"
mkdir -m 1777 "$root/tmp"
mount --bind "$2/autograder" "$root/autograder"
mount --bind "$2/opt" "$root/opt"
mount --rbind "$3" "$root/opt/python"
mount --rbind "$4" "$root/opt/site-packages"
shift 4
exec chroot "$root" setpriv --bounding-set=-sys_admin --inh-caps=-all "$@"
"""

_RECORDER = """#!/bin/sh
echo "${0##*/} $*" >>/opt/told
case "$*" in
    *python3.1[23]*) exit 100;;
    "-m venv "*) mkdir -p "$3/bin"; cp /opt/shims/python "$3/bin/python";;
    -c*) echo SITE;;
esac
"""


class Container:
    """The machine, its files below ``folder``."""

    def __init__(self, folder: Path, bundle: bytes) -> None:
        self.autograder, self.opt = folder / "autograder", folder / "opt"
        self.site = Path("/opt/autograder/lib") / VERSION / "site-packages"
        self._folder, self._root = folder, folder / "root"
        for path in (self._root, self.autograder, self.opt / "python", self.opt / "site-packages", self.opt / "shims"):
            path.mkdir(parents=True)
        unpack(bundle, self.autograder / "source")
        (self.opt / self.site.relative_to("/opt")).mkdir(parents=True)
        for name in ("apt-get", "python", "python3.11", "python3.12", "python3.13"):
            shim = self.opt / "shims" / name
            shim.write_text(_RECORDER.replace("SITE", str(self.site)), encoding="utf-8")
            shim.chmod(0o755)

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """What ``command`` says there, as root without privileges, in the folder where Gradescope starts it."""
        places = [str(self._root), str(self._folder), sys.base_prefix, sysconfig.get_path("purelib")]
        entering = ["unshare", "--mount", "--propagation", "private", "sh", "-c", _ENTER, "sh", *places]
        there = [
            "env",
            "-i",
            "PATH=/opt/shims:/usr/bin:/bin",
            "sh",
            "-c",
            'cd /autograder && exec "$@"',
            "sh",
            *command,
        ]
        return subprocess.run([*entering, *there], capture_output=True, text=True, check=False, timeout=300)

    def told(self) -> list[str]:
        """What the recording programs were told."""
        return (self.opt / "told").read_text(encoding="utf-8").splitlines()

    def finish(self) -> None:
        """An environment that runs: the package that the bundle brought, the libraries of this test run."""
        python = self.opt / "autograder/bin/python"
        python.unlink()
        python.symlink_to(f"/opt/python/bin/{VERSION}")
        (self.opt / "autograder/pyvenv.cfg").write_text("home = /opt/python/bin\n", encoding="utf-8")
        (self.opt / self.site.relative_to("/opt") / "libraries.pth").write_text(
            "/opt/site-packages\n", encoding="utf-8"
        )


def unpack(bundle: bytes, folder: Path) -> None:
    """The files of ``bundle`` with their permissions, as ``unzip`` leaves them."""
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        archive.extractall(folder)
        for entry in archive.infolist():
            os.chmod(folder / entry.filename, entry.external_attr >> 16 & 0o777)  # noqa: PTH101 - one spelling for all
