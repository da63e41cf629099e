// Kernels take instructions of 512 bits only where all that they need are
// there: LLVM ends the process where one is missing.
// REQUIRES: x86-64
// RUN: llmc-compile %s --target=cpu:knl -o %t.knl
// RUN: llvm-objdump -d --no-show-raw-insn %t.knl/module.so | FileCheck %s --check-prefix=NARROW
// RUN: llmc-compile %s --target=cpu:x86-64-v3+avx512f+avx512vnni -o %t.f
// RUN: llvm-objdump -d --no-show-raw-insn %t.f/module.so | FileCheck %s --check-prefix=NARROW
// RUN: llmc-compile %s --target=cpu:x86-64-v4+amx-int8-avx512bw -o %t.tiles
// RUN: llvm-objdump -d --no-show-raw-insn %t.tiles/module.so | FileCheck %s --check-prefix=NARROW
// RUN: llmc-compile %s --target=cpu:x86-64-v4 -o %t.wide
// RUN: llvm-objdump -d --no-show-raw-insn %t.wide/module.so | FileCheck %s --check-prefix=WIDE

// NARROW-NOT: tdpbsud
// NARROW: vpmaddubsw {{.*}}%ymm
// NARROW-NOT: tdpbsud
// WIDE: vpmaddubsw {{.*}}%zmm

llmc.param @q = dense<1> : tensor<32x2x16xui8>
llmc.param @s = dense<0.3> : tensor<32x2xf32>
llmc.param @t = dense<0.1> : tensor<16xf32>
func.func @main(%x: tensor<?x64xf32> {llmc.name = "x"})
    -> (tensor<?x32xf32> {llmc.name = "y"}, tensor<?x32xf32> {llmc.name = "z"}) {
  %q = llmc.weight @q : tensor<32x2x16xui8>
  %s = llmc.weight @s : tensor<32x2xf32>
  %t = llmc.weight @t : tensor<16xf32>
  %w = llmc.dequantize %q, %s {bits = 4, block = 32, columns = 64}
      : (tensor<32x2x16xui8>, tensor<32x2xf32>) -> tensor<32x64xf32>
  %v = llmc.lookup %q, %t, %s {bits = 4, block = 32, columns = 64}
      : (tensor<32x2x16xui8>, tensor<16xf32>, tensor<32x2xf32>) -> tensor<32x64xf32>
  %a = llmc.quantize_dynamic %x {block = 32} : (tensor<?x64xf32>) -> tensor<?x64xf32>
  %y = llmc.linear %a, %w : (tensor<?x64xf32>, tensor<32x64xf32>) -> tensor<?x32xf32>
  %z = llmc.linear %x, %v : (tensor<?x64xf32>, tensor<32x64xf32>) -> tensor<?x32xf32>
  return %y, %z : tensor<?x32xf32>, tensor<?x32xf32>
}
