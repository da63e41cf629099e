// llmc-opt's help shows llmc's passes and the options that people use.
// RUN: llmc-opt --help | FileCheck %s --check-prefix=HELP
// RUN: llmc-opt --help | wc -l | FileCheck %s --check-prefix=LINES
// RUN: llmc-opt --help-hidden | FileCheck %s --check-prefix=HIDDEN
// RUN: llmc-opt --list-passes | FileCheck %s --check-prefix=LIST
// RUN: llmc-opt --version | FileCheck %s --check-prefix=VERSION
// RUN: llmc-opt %s --llmc-lift-silu --emit-bytecode -o %t.mlirbc
// RUN: llmc-opt %t.mlirbc | FileCheck %s --check-prefix=LIFTED
// RUN: llmc-opt %t.mlirbc --pass-pipeline='builtin.module(llmc-decompose,cse)' | FileCheck %s --check-prefix=PIPELINE
// RUN: rm -f %t.out
// RUN: not llmc-opt %s --llmc-emit-invoke -o %t.out 2>&1 | FileCheck %s --check-prefix=FAILED
// RUN: not ls %t.out
// RUN: not llmc-opt %s --llmc-lft 2>&1 | FileCheck %s --check-prefix=TYPO

// HELP: OVERVIEW: llmc-opt: runs passes over language models in MLIR
// HELP: EXAMPLES:
// HELP: llmc-opt model.mlirbc --llmc-lift
// HELP: USAGE: llmc-opt
// HELP: OPTIONS:
// HELP-NOT: amdgpu
// HELP-NOT: --affine-loop-fusion
// HELP: --pass-pipeline=
// HELP: PIPELINES OF LLMC:
// HELP: --llmc-lift {{.*}}ONNX ops
// HELP: PASSES OF LLMC:
// HELP: --llmc-decompose {{.*}}primitive ops
// HELP: --llmc-quantize-rtn {{.*}}Quantize
// HELP: --list-passes lists MLIR's passes too
// A line for each pass of ours and the options, not the thousands of MLIR.
// LINES: {{^ *([0-9]|[1-9][0-9]|1[0-4][0-9])$}}
// HIDDEN: --amdgpu
// LIST: --canonicalize
// LIST: --llmc-quantize-rtn
// LIST: --block=<long>
// VERSION: LLVM version 22
// FAILED: @main has no C interface: run llmc-lower
// TYPO: Unknown command line argument '--llmc-lft'

// LIFTED: llmc.silu
// PIPELINE-NOT: llmc.silu
// PIPELINE: llmc.sigmoid
func.func @main(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %s = llmc.sigmoid %x : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %y = llmc.mul %x, %s : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}
