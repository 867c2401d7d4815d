#!/bin/sh
# All tests: installs what they need, builds every selector that this machine can run, on both
# compilers where both are there, runs everything. Closes with "N passed, N failed".
#   sh tests/run.sh [--only PART]...   (sh tests/run.sh --list names the parts)
set -eu
cd "$(dirname "$0")/.."
. tests/install.sh
install_packages tests/packages build test bench command extra
exec python3 tests/run.py "$@"
