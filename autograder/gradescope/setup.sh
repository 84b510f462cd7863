#!/usr/bin/env bash
# Builds the grading environment into the image, once, as root.
set -euo pipefail
cd /autograder/source
umask 022
chmod -R go= . # tests, answers, seed: not for the user as whom notebooks run

export DEBIAN_FRONTEND=noninteractive
apt-get update -q
for python in python3.13 python3.12 python3.11; do
    if apt-get install -q -y --no-install-recommends libseccomp2 "$python" "$python-venv"; then break; fi
done

"$python" -m venv /opt/autograder
install=(/opt/autograder/bin/python -m pip install -q --no-input --disable-pip-version-check -c constraints.txt)
"${install[@]}" --extra-index-url "${TORCH_INDEX_URL-https://download.pytorch.org/whl/cpu}" "$(grep '^torch==' constraints.txt)"
"${install[@]}" -r requirements.txt
cp -R package/autograder "$(/opt/autograder/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"
chmod -R a+rX /opt/autograder

# For the build log. The image is kept where this fails: it may be built on another kind of machine than it runs on.
/opt/autograder/bin/python -I -m autograder doctor || echo "WARNING: this machine cannot keep every promise, see above" >&2
