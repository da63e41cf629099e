"""Configuration of llmc's lit tests; run them with `ninja check-llmc`.

Substitutions beside the tools' names and FileCheck's: %python, %mlir_include,
TableGen's options for MLIR's own files, and %shared, the folder of test data
that is not in the repository. That is $LLMC_SHARED, or `shared` beside the
repository; tests that need it say `REQUIRES: shared`. Those that need a machine
of x86-64 say `REQUIRES: x86-64`.
"""

import os
import pathlib
import platform

import lit.formats
from lit.llvm import llvm_config

config.name = "llmc"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.excludes = ["Inputs"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.llmc_binary_dir, "test")

llvm_config.use_default_substitutions()
llvm_config.add_tool_substitutions(
    ["llmc-compile", "llmc-lsp-server", "llmc-opt", "llmc-reduce", "llmc-run",
     "llmc-translate"],
    [config.llmc_tools_dir, config.llvm_tools_dir])
llvm_config.with_environment("PATH", config.llmc_tools_dir, append_path=True)
llvm_config.with_environment("PATH", config.llvm_tools_dir, append_path=True)
config.substitutions += [
    ("%backends", os.path.join(config.test_exec_root, "Target")),
    ("%llmc_lib", os.path.join(config.llmc_binary_dir, "lib"))]
# Before lit's own %python, which is the Python that lit runs in.
config.substitutions.insert(0, ("%python", config.python_executable))
config.substitutions.append(
    ("%mlir_include", " ".join(f"-I {path}" for path in config.mlir_include_dirs)))

# Where artifacts for x86-64 can be linked.
if platform.machine() == "x86_64":
    config.available_features.add("x86-64")

shared = pathlib.Path(os.environ.get("LLMC_SHARED")
                      or pathlib.Path(config.llmc_source_dir).parent / "shared")
if shared.is_dir():
    config.available_features.add("shared")
    config.substitutions.append(("%shared", str(shared)))
else:
    lit_config.note(f"no folder {shared}: tests that need it are skipped; "
                    "set LLMC_SHARED")
