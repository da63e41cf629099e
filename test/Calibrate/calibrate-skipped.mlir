// Linears of whose inputs nothing can be collected are named.

// RUN: %python %S/../Inputs/samples.py %t.samples x=float32:2,3,4
// RUN: llmc-opt %s --llmc-calibrate="inputs=%t.samples" 2>&1 >/dev/null \
// RUN:   | FileCheck %s

// CHECK: remark: llmc-calibrate: no statistics of its input are collected: its elements are 'f64'
// CHECK: remark: llmc-calibrate: no statistics of its input are collected: its weight is made of no parameter
// CHECK-NOT: llmc-calibrate:

llmc.param @a = dense<0.5> : tensor<4x4xf64>
llmc.param @b = dense<0.5> : tensor<4x4xf32>
func.func @main(%x: tensor<?x3x4xf32> {llmc.name = "x", llmc.dims = ["batch", "", ""]})
    -> (tensor<?x3x4xf64>, tensor<?x3x4xf32>, tensor<?x3x4xf32>) {
  %a = llmc.weight @a : tensor<4x4xf64>
  %wide = llmc.cast %x {to = f64} : (tensor<?x3x4xf32>) -> tensor<?x3x4xf64>
  %0 = llmc.linear %wide, %a : (tensor<?x3x4xf64>, tensor<4x4xf64>) -> tensor<?x3x4xf64>
  %c = llmc.constant dense<1.0> : tensor<4x4xf32>
  %1 = llmc.linear %x, %c : (tensor<?x3x4xf32>, tensor<4x4xf32>) -> tensor<?x3x4xf32>
  %b = llmc.weight @b : tensor<4x4xf32>
  %2 = llmc.linear %x, %b : (tensor<?x3x4xf32>, tensor<4x4xf32>) -> tensor<?x3x4xf32>
  return %0, %1, %2 : tensor<?x3x4xf64>, tensor<?x3x4xf32>, tensor<?x3x4xf32>
}
