#!/usr/bin/env bash
# Speed beside a peer, in the same run, as a ratio. GillesPy2 is GPL-3, so it lives in an environment of its own and is
# never imported by the library.  bash tests/bench/run.sh [trajectories]
set -euo pipefail
cd "$(dirname "$0")/../.."
PEER=${BENCH_VENV:-.venv-bench}
if [ ! -x "$PEER/bin/python" ]; then
  .venv/bin/python -m venv "$PEER"
  "$PEER/bin/python" -m pip install --quiet 'gillespy2==1.8.3' scons 'numpy<2.3' setuptools bioscrape vivarium-core
fi
.venv/bin/python tests/bench/simulators.py "$PEER/bin/python" "${1:-2000}"
