// RUN: llmc-opt %s --llmc-quantize-activations | FileCheck %s
// RUN: llmc-opt %s '--llmc-quantize-activations=skip=^second' | FileCheck %s --check-prefix=SKIP
// RUN: not llmc-opt %s '--llmc-quantize-activations=skip=(' 2>&1 | FileCheck %s --check-prefix=ERROR

// ERROR: skip is not a regular expression

llmc.param @first.q = dense<0> : tensor<2x2x2xui8>
llmc.param @second.q = dense<0> : tensor<2x2x2xui8>
llmc.param @third.q = dense<0> : tensor<2x1x4xui8>
llmc.param @s = dense<1.0> : tensor<2x2xf32>
llmc.param @t = dense<1.0> : tensor<2x1xf32>
llmc.param @dense = dense<1.0> : tensor<2x8xf32>

// Linears with one operand share what is rounded for them, where blocks agree.
// CHECK-LABEL: func.func @main(
// CHECK-SAME: %[[X:.*]]: tensor<?x8xf32>)
// CHECK-DAG: %[[A:.*]] = llmc.quantize_dynamic %[[X]] {block = 4 : i64}
// CHECK-DAG: %[[B:.*]] = llmc.quantize_dynamic %[[X]] {block = 8 : i64}
// CHECK: llmc.linear %[[A]], %{{.*}}
// CHECK: llmc.linear %[[A]], %{{.*}}
// CHECK: llmc.linear %[[B]], %{{.*}}
// CHECK: llmc.linear %[[X]], %{{.*}}
// SKIP: %[[X:.*]]: tensor<?x8xf32>)
// SKIP: llmc.linear %{{[0-9]+}},
// SKIP: llmc.linear %[[X]],
func.func @main(%x: tensor<?x8xf32>) -> (tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>) {
  %q1 = llmc.weight @first.q : tensor<2x2x2xui8>
  %q2 = llmc.weight @second.q : tensor<2x2x2xui8>
  %q3 = llmc.weight @third.q : tensor<2x1x4xui8>
  %s = llmc.weight @s : tensor<2x2xf32>
  %t = llmc.weight @t : tensor<2x1xf32>
  %w1 = llmc.dequantize %q1, %s {bits = 4 : i64, block = 4 : i64, columns = 8 : i64} : (tensor<2x2x2xui8>, tensor<2x2xf32>) -> tensor<2x8xf32>
  %w2 = llmc.dequantize %q2, %s {bits = 4 : i64, block = 4 : i64, columns = 8 : i64} : (tensor<2x2x2xui8>, tensor<2x2xf32>) -> tensor<2x8xf32>
  %w3 = llmc.dequantize %q3, %t {bits = 4 : i64, block = 8 : i64, columns = 8 : i64} : (tensor<2x1x4xui8>, tensor<2x1xf32>) -> tensor<2x8xf32>
  %w4 = llmc.weight @dense : tensor<2x8xf32>
  %y1 = llmc.linear %x, %w1 : (tensor<?x8xf32>, tensor<2x8xf32>) -> tensor<?x2xf32>
  %y2 = llmc.linear %x, %w2 : (tensor<?x8xf32>, tensor<2x8xf32>) -> tensor<?x2xf32>
  %y3 = llmc.linear %x, %w3 : (tensor<?x8xf32>, tensor<2x8xf32>) -> tensor<?x2xf32>
  %y4 = llmc.linear %x, %w4 : (tensor<?x8xf32>, tensor<2x8xf32>) -> tensor<?x2xf32>
  return %y1, %y2, %y3, %y4 : tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>
}
