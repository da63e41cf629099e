#!/usr/bin/env bash
# Builds llmc: the tools in build/bin, and build/venv with the Python package
# llmc and its command. Installs what the build needs first.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. utils/common.sh
utils/setup.sh

proto=$("$venv/bin/python" - <<'EOF'
import importlib.util, pathlib
print(pathlib.Path(importlib.util.find_spec("onnx").origin).parent
      / "onnx-ml.proto")
EOF
)
[ -f "$proto" ] || fail "the onnx package has no onnx-ml.proto: $proto"

say "configuring"
cmake --preset default -DPython_EXECUTABLE="$venv/bin/python" \
  -DLLMC_ONNX_PROTO="$proto" "$@"
say "building with $(nproc) jobs"
cmake --build build -j "$(nproc)"

# The build leaves an importable package in build/python; the environment
# points there, so that it is never out of date.
site=$("$venv/bin/python" -c 'import sysconfig
print(sysconfig.get_path("purelib"))')
printf '%s\n' "$PWD/build/python" >"$site/llmc.pth"
cat >"$venv/bin/llmc" <<EOF
#!/bin/sh
exec "$venv/bin/python" -m llmc "\$@"
EOF
chmod +x "$venv/bin/llmc"
say "tools are in build/bin, the command llmc in build/venv/bin"
