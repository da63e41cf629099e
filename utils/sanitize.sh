#!/usr/bin/env bash
# Builds llmc with AddressSanitizer and UndefinedBehaviorSanitizer in
# build-sanitize, after utils/build.sh, and runs a command there:
#
#   utils/sanitize.sh lit ARGUMENTS...      the lit tests
#   utils/sanitize.sh ctest ARGUMENTS...    unit tests, fuzzers over their seeds
#   utils/sanitize.sh fuzz                  a minute of search by each fuzzer
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. utils/common.sh

# MLIR and LLVM are not instrumented. LLVM's headers poison memory of
# allocators that both sides use, and its containers cross the border.
export ASAN_OPTIONS=allow_user_poisoning=0:detect_container_overflow=0
export UBSAN_OPTIONS=print_stacktrace=1
export ASAN_SYMBOLIZER_PATH=/usr/lib/llvm-22/bin/llvm-symbolizer

proto=$(sed -n 's/^LLMC_ONNX_PROTO:FILEPATH=//p' build/CMakeCache.txt)
cmake --preset sanitize -DPython_EXECUTABLE="$venv/bin/python" \
  -DLLMC_ONNX_PROTO="$proto" >/dev/null
cmake --build build-sanitize -j "$(nproc)" -- --quiet

case ${1:-} in
lit)
  shift
  /usr/lib/llvm-22/bin/lit -sv --no-progress-bar build-sanitize/test "$@"
  ;;
ctest)
  shift
  ctest --test-dir build-sanitize --no-tests=error --output-on-failure \
    -j "$(nproc)" "$@"
  ;;
fuzz) cmake --build build-sanitize --target fuzz 2>&1 | grep -a "fuzzer: " ;;
*) fail "usage: utils/sanitize.sh lit|ctest|fuzz ARGUMENTS..." ;;
esac
