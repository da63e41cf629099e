#!/usr/bin/env bash
# From nothing to a compressed language model that talks: installs what is
# needed, builds llmc, makes SmolLM2-135M-Instruct, compresses it to 4 bits,
# compiles both for this machine, lets both answer a question and prints a
# table of size, speed and quality. Everything is kept in build/, so a second
# run only repeats the measurements.
#
#   utils/quickstart.sh [QUESTION]
#
# Perplexity is measured on a slice of WikiText-2 where LLMC_SHARED (or
# ../shared) has it, or on the text file LLMC_TEXT.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. utils/common.sh

question=${1:-"Why is the sky blue? Answer in two sentences."}
tokens=64
context=256
text_bytes=4000

utils/build.sh
llmc=$venv/bin/llmc
work=$PWD/build/quickstart
mkdir -p "$work"

say "the model: SmolLM2-135M-Instruct, 32-bit floats"
float=build/models/smollm2
"$venv/bin/python" utils/models/smollm2.py "$float"

# fresh OUTPUT INPUT...: whether OUTPUT is there and no INPUT is newer.
fresh() {
  local output=$1 input
  shift
  [ -e "$output" ] || return 1
  for input; do
    [ "$output" -nt "$input" ] || return 1
  done
}
library=$(find build/python/llmc -name '*.so' -printf '%T@ %p\n' | sort -n |
  tail -1 | cut -d' ' -f2-)

say "compressing it: 4 bits, groups of 64"
small=$work/smollm2-4bit
if ! fresh "$small/model.onnx" "$float/model.onnx" "$library"; then
  mkdir -p "$small"
  "$llmc" compress "$float/model.onnx" -o "$small/model.onnx" \
    --bits 4 --group 64
fi

models=("float" "4 bit")
sources=("$float" "$small")
artifacts=("$work/float.llmc" "$work/4bit.llmc")
for i in 0 1; do
  say "compiling for this machine: ${models[i]}"
  fresh "${artifacts[i]}/manifest.json" "${sources[i]}/model.onnx" \
    "$library" ||
    "$llmc" compile "${sources[i]}/model.onnx" -o "${artifacts[i]}" \
      --tokenizer "$float/tokenizer.json"
done

for i in 0 1; do
  say "asking: ${models[i]}"
  "$llmc" run "${artifacts[i]}" --chat --prompt "$question" \
    --max-tokens "$tokens" --json >"$work/run-$i.json"
  "$venv/bin/python" -c 'import json, sys
print(json.load(open(sys.argv[1]))["text"])' "$work/run-$i.json"
done

text=${LLMC_TEXT:-}
if [ -z "$text" ] && [ -n "$LLMC_SHARED" ]; then
  text=$LLMC_SHARED/data/wikitext-2/wiki.test.raw
fi
rm -f "$work/eval.json"
if [ -f "$text" ]; then
  say "perplexity on the first $text_bytes bytes of $(basename "$text")"
  head -c "$text_bytes" "$text" | iconv -c -f utf-8 -t utf-8 >"$work/text.txt"
  "$llmc" eval "${artifacts[@]}" --text "$work/text.txt" \
    --context "$context" --json >"$work/eval.json"
else
  say "no perplexity: set LLMC_TEXT to a text file to measure it"
fi

say "result"
"$venv/bin/python" utils/quickstart_table.py "$work" \
  "${models[0]}" "${sources[0]}" "${models[1]}" "${sources[1]}"
