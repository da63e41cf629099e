# shellcheck shell=bash disable=SC2034 # what is set here is used by others
# Sourced by the scripts of this folder, from the root of the repository.

# The packaged tools come first: a CMake or Python from elsewhere on PATH
# would make another build than the one we test.
export PATH="/usr/bin:$PATH"

venv=$PWD/build/venv

say() { printf '\n== %s: %s\n' "$(basename "$0" .sh)" "$*"; }

fail() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# The data that measurements and some tests use: LLMC_SHARED, or a folder
# beside the repository. Empty where there is none.
if [ -z "${LLMC_SHARED:-}" ] && [ -d ../shared ]; then
  LLMC_SHARED=$(cd ../shared && pwd)
fi
export LLMC_SHARED=${LLMC_SHARED:-}
