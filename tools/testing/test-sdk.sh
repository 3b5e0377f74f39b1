#!/usr/bin/env bash
# Tests, lints and type-checks the Python SDK with Debian's PyTorch; counts go to .dev/results/tests/sdk.json.
set -euo pipefail
cd "$(dirname "$0")/../.."
python=.dev/python
report=.dev/results/tests/sdk.xml
mkdir -p .dev/results/tests

# 1. PyTorch comes from the distribution, the tools of the test from PyPI.
if ! /usr/bin/python3 -c 'import torch, prometheus_client, numpy' 2>/dev/null; then
  [ "$(id -u)" = 0 ] || { echo 'the SDK tests need python3-torch, python3-prometheus-client and python3-numpy: install them, or run as root' >&2; exit 1; }
  apt-get update -qq
  apt-get install -y -qq python3-torch libopenblas0-pthread python3-prometheus-client python3-numpy python3-venv >/dev/null
fi
if ! [ -x "$python/bin/pytest" ] || ! [ -x "$python/bin/ruff" ] || ! [ -x "$python/bin/mypy" ]; then
  /usr/bin/python3 -c 'import ensurepip' 2>/dev/null || apt-get install -y -qq python3-venv >/dev/null
  /usr/bin/python3 -m venv --system-site-packages "$python"
  "$python/bin/pip" install -q 'pytest>=7' ruff mypy
fi

# 2. Run, and count whatever the outcome.
cd sdk/python
status=0
../../$python/bin/python -m pytest --junitxml "../../$report" || status=$?
../../$python/bin/ruff check src tests ../../deploy/examples/char-lm || status=$?
../../$python/bin/ruff format --check src tests ../../deploy/examples/char-lm || status=$?
../../$python/bin/mypy || status=$?
cd ../..
/usr/bin/python3 - "$report" <<'COUNT'
import json, sys, xml.etree.ElementTree as tree
suite = tree.parse(sys.argv[1]).getroot().find("testsuite").attrib
failed = int(suite["failures"]) + int(suite["errors"])
skipped = int(suite["skipped"])
counts = {"passed": int(suite["tests"]) - failed - skipped, "failed": failed, "skipped": skipped}
open(".dev/results/tests/sdk.json", "w").write(json.dumps(counts) + "\n")
COUNT
exit "$status"
