#!/usr/bin/env bash
# Builds llmc and runs every test there is. Ends with one line
# "N passed, M failed" and fails if a test failed or a runner broke.
#
# LLMC_SHARED names a folder with test data that is not in the repository (a
# model zoo, the ONNX node tests); without it those tests are skipped.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. utils/common.sh

results=$PWD/build/test-results
rm -rf "$results"
mkdir -p "$results"

broken() {
  printf 'error: %s\n0 passed, 1 failed\n' "$1"
  exit 1
}
utils/build.sh || broken "the build failed, so no test ran"

# suite NAME RESULT COMMAND...: runs a suite that leaves RESULT, a JUnit file,
# a log or a score; what it reports and how it ended is counted at the end.
suite() {
  local name=$1 result=$2 status=0 start=$SECONDS
  shift 2
  say "$name"
  if [ "${result##*.}" != xml ]; then
    # Indented, so that only our own last line reads "N passed, M failed".
    "$@" 2>&1 | tee "$results/$result" | sed -u 's/^/  /' ||
      status=${PIPESTATUS[0]}
  else
    "$@" || status=$?
  fi
  printf '%s\t%s\t%s\t%s\n' "$name" "$result" "$status" \
    $((SECONDS - start)) >>"$results/suites.tsv"
}

skip() {
  say "$1"
  printf 'skipped: %s\n' "$2"
  printf '%s\t\t0\t0\n' "$1 (skipped: $2)" >>"$results/suites.tsv"
}

suite "lit" lit.xml /usr/lib/llvm-22/bin/lit -sv --no-progress-bar build/test \
  --xunit-xml-output="$results/lit.xml"
suite "unit tests" ctest.xml ctest --test-dir build --no-tests=error \
  --output-on-failure -j "$(nproc)" --output-junit "$results/ctest.xml"
suite "lit with sanitizers" sanitize-lit.xml utils/sanitize.sh lit \
  --xunit-xml-output="$results/sanitize-lit.xml"
suite "unit tests with sanitizers, fuzzers" sanitize-ctest.xml \
  utils/sanitize.sh ctest --output-junit "$results/sanitize-ctest.xml"
# What a search by chance finds is a finding, not a failure of this change: a
# line at the end says what there is to mend.
say "fuzzers, a minute each"
{ utils/sanitize.sh fuzz || echo "fuzzers: could not run"; } |
  tee "$results/fuzz.txt"
while read -r line; do
  printf '%s\t\t0\t0\n' "$line" >>"$results/suites.tsv"
done <"$results/fuzz.txt"
suite "Python" pytest.xml "$venv/bin/python" -m pytest -q -rs -n auto \
  --dist loadfile test/python \
  --junitxml="$results/pytest.xml"

# Each of the last two takes one core, so they run side by side.
zoo=${LLMC_SHARED:+$LLMC_SHARED/zoo/compare.py}
zoo_job=
if [ -f "$zoo" ]; then
  suite "model zoo" zoo.log "$venv/bin/python" "$zoo" \
    --runner llmc.runner:load >"$results/zoo.output" &
  zoo_job=$!
else
  skip "model zoo" "no zoo/compare.py: LLMC_SHARED is '$LLMC_SHARED'"
fi

nodes=${LLMC_SHARED:+$(echo "$LLMC_SHARED"/data/onnx-node-*.tar.xz)}
if [ ! -f test/onnx_node/run.py ]; then
  skip "ONNX node tests" "this tree has no test/onnx_node/run.py"
elif [ -f "$nodes" ]; then
  # A score: of the 1765 cases some need types that llmc does not have.
  suite "ONNX node tests" onnx-node.score "$venv/bin/python" \
    test/onnx_node/run.py --at-least 1655 "$nodes"
else
  skip "ONNX node tests" \
    "no data/onnx-node-*.tar.xz: LLMC_SHARED is '$LLMC_SHARED'"
fi
if [ -n "$zoo_job" ]; then
  wait "$zoo_job" || broken "the model zoo ended before it was counted"
  cat "$results/zoo.output"
fi

say "summary"
"$venv/bin/python" utils/summarize.py "$results"
