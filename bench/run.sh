#!/bin/sh
# All benchmarks: installs what they need, builds optimised, measures, and writes
# bench/results/REPORT.md with its plots, and results.json for bench/compare.
#   sh bench/run.sh [--quick] [--only PART,PART] [--rounds N] [--output DIR] [--check] [--publish]
set -eu
cd "$(dirname "$0")/.."
. tests/install.sh
install_packages tests/packages build bench
exec python3 bench/run.py "$@"
