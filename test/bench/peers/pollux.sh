#!/usr/bin/env bash
# Installs the Pollux policy as its authors publish it into .dev/venv-peers. Does nothing when that is done already.
set -euo pipefail
cd "$(dirname "$0")/../../.."
venv=.dev/venv-peers
pins=test/bench/peers/pollux-requirements.txt
policy=(adaptdl==0.2.11 adaptdl-sched==0.2.11)

# 1. The same pins are installed already.
wanted="$(cat "$pins") ${policy[*]}"
if [ -x "$venv/bin/python" ] && [ "$(cat "$venv/installed" 2>/dev/null)" = "$wanted" ]; then exit 0; fi

# 2. A Python that numpy 1.23 knows, with venv.
python="$(command -v python3.11 || command -v python3)"
"$python" -c 'import sys; sys.exit(not (3, 8) <= sys.version_info < (3, 12))' ||
  { echo "the Pollux policy needs Python 3.8 to 3.11 for numpy 1.23, and $python is $("$python" --version)" >&2; exit 1; }
"$python" -c 'import ensurepip' 2>/dev/null ||
  { echo "$python has no venv: install python3-venv" >&2; exit 1; }

# 3. The libraries, then the policy alone: its cluster client and its trainer are not imported, so they are not installed.
rm -rf "$venv"
"$python" -m venv "$venv"
"$venv/bin/pip" install -q --disable-pip-version-check -r "$pins"
"$venv/bin/pip" install -q --disable-pip-version-check --no-deps "${policy[@]}"
"$venv/bin/python" -W ignore -c 'import adaptdl_sched.policy.pollux' >/dev/null
printf '%s' "$wanted" >"$venv/installed"
