// RUN: llmc-opt %s --llmc-params-to-arguments | FileCheck %s

// CHECK: llmc.param @a
llmc.param @a = dense<[1.0, 2.0]> : tensor<2xf32>
llmc.param @b = dense<1> : tensor<3x3xi4>
llmc.param @flags = dense<true> : tensor<9xi1>
llmc.param @unused = dense<1.0> : tensor<2xf32>

// In the order of their first use, one for each param; packed elements come as
// bytes.
// CHECK: func.func @main(%[[X:.*]]: tensor<?xf32> {llmc.name = "x"},
// CHECK-SAME: %[[B:.*]]: tensor<5xui8> {llmc.param = @b},
// CHECK-SAME: %[[A:.*]]: tensor<2xf32> {llmc.param = @a},
// CHECK-SAME: %[[FLAGS:.*]]: tensor<9xi1> {llmc.param = @flags})
// CHECK-SAME: attributes {llvm.emit_c_interface}
func.func @main(%x: tensor<?xf32> {llmc.name = "x"})
    -> (tensor<3x3xi4>, tensor<2xf32>, tensor<2xf32>, tensor<9xi1>) {
  // CHECK-NOT: llmc.weight
  // CHECK: %[[U:.*]] = llmc.unpack %[[B]] {shape = array<i64: 3, 3>, to = i4}
  // CHECK: return %[[U]], %[[A]], %[[A]], %[[FLAGS]]
  %b = llmc.weight @b : tensor<3x3xi4>
  %a = llmc.weight @a : tensor<2xf32>
  %tied = llmc.weight @a : tensor<2xf32>
  %flags = llmc.weight @flags : tensor<9xi1>
  return %b, %a, %tied, %flags : tensor<3x3xi4>, tensor<2xf32>, tensor<2xf32>, tensor<9xi1>
}
