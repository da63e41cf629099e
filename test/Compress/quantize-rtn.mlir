// RUN: llmc-opt %s --split-input-file -llmc-quantize-rtn="bits=4 block=8" | FileCheck %s
// RUN: llmc-opt %s --split-input-file -llmc-quantize-rtn="bits=4 block=8 symmetric" | FileCheck %s --check-prefix=SYM
// RUN: llmc-opt %s --split-input-file -llmc-quantize-rtn="bits=3 block=8 what=linear" 2>/dev/null | FileCheck %s --check-prefix=LINEAR
// RUN: llmc-opt %s --split-input-file -llmc-quantize-rtn="bits=4 block=8" --remark-policy=all --remark-format=emitRemark --remarks-filter=llmc-compress -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// REMARK: bits=4, block=8, bytes_after=34, bytes_before=128, largest_error=0.000000e+00, param=fc, relative_error=0.000000e+00, weights=32
// REMARK: bytes_before=64, {{.*}}param=t,
// REMARK: largest_error=2.666664e-01, param=embed, relative_error=3.081066e-02

// A row from -7 to 8 is exactly on its own grid: scale 1, zero point 7.

// CHECK: llmc.param @fc.q = dense_resource<fc.q> : tensor<2x2x4xui8>
// CHECK: llmc.param @fc.scales = dense_resource<fc.scales> : tensor<2x2xf32>
// CHECK: llmc.param @fc.zeros = dense_resource<fc.zeros> : tensor<2x1xui8>
// CHECK-NOT: llmc.param
llmc.param @fc = dense<[
  [-7.0, -6.0, -5.0, -4.0, 5.0, 6.0, 7.0, 8.0,
   0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
  [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.5,
   -1.5, -1.4, -0.1, 0.0, 0.0, 0.0, 0.0, 0.0]]> : tensor<2x16xf32>

// CHECK-LABEL: func.func @main
// CHECK: %[[Q:.*]] = llmc.weight @fc.q : tensor<2x2x4xui8>
// CHECK: %[[S:.*]] = llmc.weight @fc.scales : tensor<2x2xf32>
// CHECK: %[[Z:.*]] = llmc.weight @fc.zeros : tensor<2x1xui8>
// CHECK: %[[W:.*]] = llmc.dequantize %[[Q]], %[[S]], %[[Z]] {bits = 4 : i64, block = 8 : i64, columns = 16 : i64} : (tensor<2x2x4xui8>, tensor<2x2xf32>, tensor<2x1xui8>) -> tensor<2x16xf32>
// CHECK: llmc.linear %{{.*}}, %[[W]]
// Codes of the first row are 0 1 2 3 12 13 14 15, low nibble first; a block of
// zeros has scale 1 and codes 8. In the second row 7.5 is 15 steps of 0.5, and
// -1.4 and -0.1 are 1 and 14 steps of 0.1 above -1.5.
// CHECK: fc.q: "0x400000001032DCFE888888882064A8FC10FEFFFF"
// CHECK: fc.scales: "0x400000000000803F0000803F0000003FCDCCCC3D"
// CHECK: fc.zeros: "0x4000000087F0"

// SYM: llmc.param @fc.q
// SYM-NEXT: llmc.param @fc.scales
// SYM-NOT: fc.zeros
// SYM: llmc.dequantize %{{[0-9]+}}, %{{[0-9]+}} {bits = 4 : i64, block = 8 : i64
func.func @main(%x: tensor<?x16xf32>) -> tensor<?x2xf32> {
  %w = llmc.weight @fc : tensor<2x16xf32>
  %y = llmc.linear %x, %w
     : (tensor<?x16xf32>, tensor<2x16xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// Stored as [in, out]: the transpose goes into the bytes.

// CHECK: llmc.param @t.q = dense_resource<{{.*}}> : tensor<2x1x4xui8>
llmc.param @t = dense<[[0.0, 0.0], [1.0, 2.0], [2.0, 4.0], [3.0, 6.0],
                       [12.0, 24.0], [13.0, 26.0], [14.0, 28.0], [15.0, 30.0]]>
  : tensor<8x2xf32>

// CHECK-LABEL: func.func @main
// CHECK-NOT: llmc.transpose
// CHECK: -> tensor<2x8xf32>
// Both columns have codes 0 1 2 3 12 13 14 15, and scales 1 and 2.
// CHECK: t.q: "0x400000001032DCFE1032DCFE"
// CHECK: t.scales: "0x400000000000803F00000040"
func.func @main(%x: tensor<?x8xf32>) -> tensor<?x2xf32> {
  %w = llmc.weight @t : tensor<8x2xf32>
  %t = llmc.transpose %w {perm = array<i64: 1, 0>}
     : (tensor<8x2xf32>) -> tensor<2x8xf32>
  %y = llmc.linear %x, %t
     : (tensor<?x8xf32>, tensor<2x8xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// A tied weight stays one parameter, whoever loads it. The names of the new
// parameters give way to those that are there.

// CHECK: llmc.param @embed.q = dense<0>
// CHECK: llmc.param @[[Q:embed.q_[0-9]+]] = {{.*}} : tensor<3x1x4xui8>
// CHECK-NEXT: llmc.param @embed.scales
// CHECK-NEXT: llmc.param @embed.zeros
// CHECK-NOT: llmc.param
llmc.param @embed.q = dense<0> : tensor<3xi64>
llmc.param @embed = dense<[[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0],
                           [8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0],
                           [0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0]]>
  : tensor<3x8xf32>

// CHECK-LABEL: func.func @main
// CHECK: %[[Q1:.*]] = llmc.weight @[[Q]]
// CHECK: %[[W1:.*]] = llmc.dequantize %[[Q1]]
// CHECK: llmc.embedding %{{.*}}, %[[W1]]
// CHECK: %[[Q2:.*]] = llmc.weight @[[Q]]
// CHECK: %[[W2:.*]] = llmc.dequantize %[[Q2]]
// CHECK: llmc.linear %{{.*}}, %[[W2]]

// LINEAR: llmc.param @embed = dense<
// LINEAR: llmc.embedding %{{.*}}, %{{.*}} : (tensor<?xi64>, tensor<3x8xf32>)
// LINEAR-NOT: llmc.dequantize
func.func @main(%ids: tensor<?xi64>) -> tensor<?x3xf32> {
  %w = llmc.weight @embed : tensor<3x8xf32>
  %x = llmc.embedding %ids, %w
     : (tensor<?xi64>, tensor<3x8xf32>) -> tensor<?x8xf32>
  %again = llmc.weight @embed : tensor<3x8xf32>
  %y = llmc.linear %x, %again
     : (tensor<?x8xf32>, tensor<3x8xf32>) -> tensor<?x3xf32>
  return %y : tensor<?x3xf32>
}
