// Two integers of each four columns are read as they are stored, where blocks
// are whole chunks and zeros are the middle of the range.

// RUN: llmc-opt %s --load-backend=cpu --target=cpu:x86-64-v4+avx512vnni --llmc-claim-kernels -split-input-file 2>%t.said | FileCheck %s
// RUN: FileCheck %s --check-prefix=SAID < %t.said

// 16 rows of 64 columns, 3 bits each: 24 bytes for a row.
// CHECK: llmc.param @v.cpu.panels16.sparse = {{.*}} : tensor<384xui8>
// CHECK: llmc.kernel @linear_0
// CHECK-SAME: bits = 4 : i64
// CHECK-SAME: sparse = true
// SAID-NOT: instructions
llmc.param @v = dense<7> : tensor<16x2x8xui8>
llmc.param @p = dense<0x44> : tensor<16x8xui8>
llmc.param @s = dense<1.0> : tensor<16x2xf32>
func.func @main(%x: tensor<?x64xf32>) -> tensor<?x16xf32> {
  %v = llmc.weight @v : tensor<16x2x8xui8>
  %p = llmc.weight @p : tensor<16x8xui8>
  %q = llmc.densify %v, %p {pattern = "2:4", bits = 4}
     : (tensor<16x2x8xui8>, tensor<16x8xui8>) -> tensor<16x2x16xui8>
  %s = llmc.weight @s : tensor<16x2xf32>
  %w = llmc.dequantize %q, %s {bits = 4, block = 32, columns = 64}
     : (tensor<16x2x16xui8>, tensor<16x2xf32>) -> tensor<16x64xf32>
  %a = llmc.quantize_dynamic %x {block = 32}
     : (tensor<?x64xf32>) -> tensor<?x64xf32>
  %y = llmc.linear %a, %w
     : (tensor<?x64xf32>, tensor<16x64xf32>) -> tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}

// -----

// Three of four columns are not.
// CHECK: llmc.kernel @linear_0
// CHECK-SAME: sparse = false
// SAID: the weight 'v' is 3:4, for which CPUs have no instructions
llmc.param @v = dense<7> : tensor<16x2x12xui8>
llmc.param @p = dense<0x44> : tensor<16x12xui8>
llmc.param @s = dense<1.0> : tensor<16x2xf32>
func.func @main(%x: tensor<?x64xf32>) -> tensor<?x16xf32> {
  %v = llmc.weight @v : tensor<16x2x12xui8>
  %p = llmc.weight @p : tensor<16x12xui8>
  %q = llmc.densify %v, %p {pattern = "3:4", bits = 4}
     : (tensor<16x2x12xui8>, tensor<16x12xui8>) -> tensor<16x2x16xui8>
  %s = llmc.weight @s : tensor<16x2xf32>
  %w = llmc.dequantize %q, %s {bits = 4, block = 32, columns = 64}
     : (tensor<16x2x16xui8>, tensor<16x2xf32>) -> tensor<16x64xf32>
  %y = llmc.linear %x, %w
     : (tensor<?x64xf32>, tensor<16x64xf32>) -> tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}

// -----

// Nor is what stands for zeros another integer.
// CHECK: llmc.kernel @linear_0
// CHECK-SAME: sparse = false
// SAID: the weight 'v' is 2:4, for which CPUs have no instructions
llmc.param @v = dense<7> : tensor<16x2x8xui8>
llmc.param @p = dense<0x44> : tensor<16x8xui8>
llmc.param @s = dense<1.0> : tensor<16x2xf32>
func.func @main(%x: tensor<?x64xf32>) -> tensor<?x16xf32> {
  %v = llmc.weight @v : tensor<16x2x8xui8>
  %p = llmc.weight @p : tensor<16x8xui8>
  %q = llmc.densify %v, %p {pattern = "2:4", bits = 4, fill = 7}
     : (tensor<16x2x8xui8>, tensor<16x8xui8>) -> tensor<16x2x16xui8>
  %s = llmc.weight @s : tensor<16x2xf32>
  %w = llmc.dequantize %q, %s {bits = 4, block = 32, columns = 64}
     : (tensor<16x2x16xui8>, tensor<16x2xf32>) -> tensor<16x64xf32>
  %y = llmc.linear %x, %w
     : (tensor<?x64xf32>, tensor<16x64xf32>) -> tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}
