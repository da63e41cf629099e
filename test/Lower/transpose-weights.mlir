// RUN: llmc-opt %s --llmc-transpose-weights | FileCheck %s
// RUN: llmc-run %s --input 'x=dense<[[1.0, 2.0, 3.0]]> : tensor<1x3xf32>' | FileCheck %s --check-prefix=VALUES

// The transposed copy replaces a param that nothing else reads, and all its
// transposes share one.
// CHECK-NOT: llmc.param @w =
// CHECK: llmc.param @w.T = dense_resource<w.T> : tensor<2x3xf32>
llmc.param @w = dense_resource<w> : tensor<3x2xf32>
// CHECK: llmc.param @both.T = dense_resource<both.T> : tensor<2x3xf16>
// CHECK: llmc.param @both = dense<
llmc.param @both = dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]> : tensor<3x2xf16>
// Its name is taken.
llmc.param @taken = dense<[[true, false]]> : tensor<1x2xi1>
llmc.param @taken.T = dense<1.0> : tensor<2xf32>
// Packed elements stay.
// CHECK: llmc.param @packed = dense
// CHECK-NOT: llmc.param @packed.T
llmc.param @packed = dense<[[1, 2], [3, -4], [5, 6]]> : tensor<3x2xi4>

// CHECK-LABEL: func.func @main
func.func @main(%x: tensor<1x3xf32> {llmc.name = "x"})
    -> (tensor<1x2xf32> {llmc.name = "y"}, tensor<2x3xf16> {llmc.name = "both"}, tensor<2x1xi1> {llmc.name = "bools"},
        tensor<2x3xi32> {llmc.name = "packed"}) {
  // CHECK: %[[T:.*]] = llmc.weight @w.T : tensor<2x3xf32>
  // CHECK: llmc.linear %{{.*}}, %[[T]]
  %w = llmc.weight @w : tensor<3x2xf32>
  %t = llmc.transpose %w {perm = array<i64: 1, 0>} : (tensor<3x2xf32>) -> tensor<2x3xf32>
  // [1, 2, 3] times [[1, 2], [3, 4], [5, 6]].
  // VALUES: y: dense<{{\[}}[2.200000e+01, 2.800000e+01]]>
  %y = llmc.linear %x, %t : (tensor<1x3xf32>, tensor<2x3xf32>) -> tensor<1x2xf32>
  // CHECK: llmc.weight @both : tensor<3x2xf16>
  // CHECK-NEXT: llmc.weight @both.T : tensor<2x3xf16>
  // VALUES: both: dense<{{\[}}[2.000000e+00, 5.000000e+00, 8.000000e+00], [6.000000e+00, 9.000000e+00, 1.200000e+01]]>
  %b = llmc.weight @both : tensor<3x2xf16>
  %bt = llmc.transpose %b {perm = array<i64: 1, 0>} : (tensor<3x2xf16>) -> tensor<2x3xf16>
  %shape = llmc.constant dense<[2, 3]> : tensor<2xi64>
  %br = llmc.reshape %b, %shape : (tensor<3x2xf16>, tensor<2xi64>) -> tensor<2x3xf16>
  %both = llmc.add %bt, %br : (tensor<2x3xf16>, tensor<2x3xf16>) -> tensor<2x3xf16>
  // CHECK: llmc.weight @taken.T_0 : tensor<2x1xi1>
  // VALUES: bools: dense<{{\[}}[true], [false]]> : tensor<2x1xi1>
  %k = llmc.weight @taken : tensor<1x2xi1>
  %kt = llmc.transpose %k {perm = array<i64: 1, 0>} : (tensor<1x2xi1>) -> tensor<2x1xi1>
  // CHECK: llmc.weight @packed : tensor<3x2xi4>
  // CHECK: llmc.transpose
  // VALUES: packed: dense<{{\[}}[1, 3, 5], [2, -4, 6]]>
  %p = llmc.weight @packed : tensor<3x2xi4>
  %pt = llmc.transpose %p {perm = array<i64: 1, 0>} : (tensor<3x2xi4>) -> tensor<2x3xi4>
  %pi = llmc.cast %pt {to = i32} : (tensor<2x3xi4>) -> tensor<2x3xi32>
  return %y, %both, %kt, %pi : tensor<1x2xf32>, tensor<2x3xf16>, tensor<2x1xi1>, tensor<2x3xi32>
}

{-#
  dialect_resources: { builtin: { w: "0x100000000000803F0000004000004040000080400000A0400000C040" } }
#-}
