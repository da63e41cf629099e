// RUN: llmc-opt %s --split-input-file -llmc-quantize-hqq="bits=2 block=8" | FileCheck %s
// RUN: llmc-opt %s --split-input-file -llmc-quantize-hqq="bits=2 block=8 rounds=0" | FileCheck %s --check-prefix=RANGE
// RUN: llmc-opt %s --split-input-file -llmc-quantize-hqq="bits=2 block=8 what=linear" 2>/dev/null | FileCheck %s --check-prefix=LINEAR
// RUN: llmc-opt %s --split-input-file -llmc-quantize-hqq="bits=2 block=8" --remark-policy=all --remark-format=emitRemark --remarks-filter=llmc-compress -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// REMARK: bits=2, block=8, bytes_after=40, bytes_before=128, largest_error=1.562500e-01, param=fc, {{.*}}weights=32

// The range of the first block is 0 to 3, its scale 1. Its codes are 0 0 1 1 2 2
// 2 3, which five weights are a quarter above: z = mean(q - w) = -5/32. Then
// errors are 3/32 and 5/32, and a second round finds the same. The block behind
// it is on its grid, and so is the last one. A block of zeros has scale 1, zero
// point 0 and codes 0.
// CHECK: llmc.param @fc.q = dense_resource<fc.q> : tensor<2x2x2xui8>
// CHECK: llmc.param @fc.scales = dense_resource<fc.scales> : tensor<2x2xf32>
// CHECK: llmc.param @fc.zeros = dense_resource<fc.zeros> : tensor<2x2xf32>
// CHECK-NOT: llmc.param
llmc.param @fc = dense<[
  [0.0, 0.0, 1.25, 1.25, 2.25, 2.25, 2.25, 3.0,
   -1.0, 0.0, 1.0, 2.0, -1.0, 0.0, 1.0, 2.0],
  [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0,
   0.0, -2.0, -4.0, -6.0, 0.0, -2.0, -4.0, -6.0]]> : tensor<2x16xf32>

// CHECK-LABEL: func.func @main
// CHECK: %[[Q:.*]] = llmc.weight @fc.q : tensor<2x2x2xui8>
// CHECK: %[[S:.*]] = llmc.weight @fc.scales : tensor<2x2xf32>
// CHECK: %[[Z:.*]] = llmc.weight @fc.zeros : tensor<2x2xf32>
// CHECK: %[[W:.*]] = llmc.dequantize %[[Q]], %[[S]], %[[Z]] {bits = 2 : i64, block = 8 : i64, columns = 16 : i64} : (tensor<2x2x2xui8>, tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x16xf32>
// CHECK: llmc.linear %{{.*}}, %[[W]]
// CHECK: fc.q: "0x4000000050EAE4E400001B1B"
// CHECK: fc.scales: "0x400000000000803F0000803F0000803F00000040"
// CHECK: fc.zeros: "0x40000000000020BE0000803F0000000000004040"
// RANGE: fc.q: "0x4000000050EAE4E400001B1B"
// RANGE: fc.zeros: "0x40000000000000000000803F0000000000004040"
func.func @main(%x: tensor<?x16xf32>) -> tensor<?x2xf32> {
  %w = llmc.weight @fc : tensor<2x16xf32>
  %y = llmc.linear %x, %w
     : (tensor<?x16xf32>, tensor<2x16xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// A tied weight stays one parameter, or whole where only linears are asked for.

// CHECK: llmc.param @t.q = dense_resource<{{.*}}> : tensor<6x1x2xui8>
// CHECK: llmc.param @t.zeros = {{.*}} : tensor<6x1xf32>
// CHECK-COUNT-1: llmc.weight @t.zeros
// CHECK-NOT: llmc.weight @t.zeros
// LINEAR: llmc.param @t = {{.*}} : tensor<6x8xf32>
llmc.param @t = dense<1.5> : tensor<6x8xf32>
func.func @main(%ids: tensor<?xi64>) -> tensor<?x6xf32> {
  %w = llmc.weight @t : tensor<6x8xf32>
  %x = llmc.embedding %ids, %w
     : (tensor<?xi64>, tensor<6x8xf32>) -> tensor<?x8xf32>
  %y = llmc.linear %x, %w
     : (tensor<?x8xf32>, tensor<6x8xf32>) -> tensor<?x6xf32>
  return %y : tensor<?x6xf32>
}

// -----

// Zero points are numbers of the weight's format.

// CHECK: llmc.param @h.scales = {{.*}} : tensor<2x1xf16>
// CHECK: llmc.param @h.zeros = {{.*}} : tensor<2x1xf16>
// CHECK: llmc.dequantize {{.*}} (tensor<2x1x2xui8>, tensor<2x1xf16>, tensor<2x1xf16>) -> tensor<2x8xf16>
llmc.param @h = dense<[
  [0.0, 0.0, 1.25, 1.25, 2.25, 2.25, 2.25, 3.0],
  [-1.0, 0.0, 1.0, 2.0, -1.0, 0.0, 1.0, 2.0]]> : tensor<2x8xf16>
// CHECK: h.zeros: "0x4000000000B1003C"
func.func @main(%x: tensor<?x8xf16>) -> tensor<?x2xf16> {
  %w = llmc.weight @h : tensor<2x8xf16>
  %y = llmc.linear %x, %w
     : (tensor<?x8xf16>, tensor<2x8xf16>) -> tensor<?x2xf16>
  return %y : tensor<?x2xf16>
}
