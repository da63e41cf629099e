// Weights of 8-bit floats read one table, which has NaN; scales that are
// powers of two are those of packed blocks.

// RUN: llmc-opt %s --load-backend=cpu --target=cpu:x86-64-v3 --llmc-cluster="method=mxfp8-e4m3 strict" --llmc-claim-kernels | FileCheck %s

// CHECK: llmc.kernel @linear_0
// CHECK-SAME: bits = 8 : i64, block = 32 : i64, codebook = "shared", columns = 64 : i64
// CHECK-SAME: half_scales = true
// CHECK-NOT: llmc.linear

llmc.param @gate = dense<1.0> : tensor<16x64xf32>
llmc.param @up = dense<2.0> : tensor<16x64xf32>

func.func @main(%x: tensor<?x64xf32> {llmc.name = "x"})
    -> (tensor<?x16xf32> {llmc.name = "y"}) {
  %g = llmc.weight @gate : tensor<16x64xf32>
  %u = llmc.weight @up : tensor<16x64xf32>
  %a = llmc.linear %x, %g
     : (tensor<?x64xf32>, tensor<16x64xf32>) -> tensor<?x16xf32>
  %b = llmc.linear %x, %u
     : (tensor<?x64xf32>, tensor<16x64xf32>) -> tensor<?x16xf32>
  %s = llmc.silu %a : (tensor<?x16xf32>) -> tensor<?x16xf32>
  %y = llmc.mul %s, %b
     : (tensor<?x16xf32>, tensor<?x16xf32>) -> tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}
