// RUN: llmc-opt %s | llmc-opt | FileCheck %s
// RUN: llmc-opt %s --mlir-print-op-generic | llmc-opt | FileCheck %s

// CHECK-LABEL: @carried
func.func @carried(%x: tensor<4xf32>, %y: tensor<*xi64>) {
  // CHECK: llmc.onnx "ai.onnx.ml" : "Scaler" version 1(%{{.*}}) {node_attributes = {scale = [1.000000e+00 : f32, 2.000000e+00 : f32]}, present = array<i1: true>} : (tensor<4xf32>) -> tensor<4xf32>
  %0 = llmc.onnx "ai.onnx.ml" : "Scaler" version 1 (%x)
       {node_attributes = {scale = [1.0 : f32, 2.0 : f32]}, present = array<i1: true>} : (tensor<4xf32>) -> tensor<4xf32>
  // The second of three inputs is absent.
  // CHECK: llmc.onnx "" : "Other" version 22(%{{.*}}, %{{.*}}) {node_attributes = {}, present = array<i1: true, false, true>} : (tensor<4xf32>, tensor<*xi64>) -> (tensor<?xf32>, none)
  %1:2 = llmc.onnx "" : "Other" version 22 (%x, %y) {node_attributes = {}, present = array<i1: true, false, true>}
       : (tensor<4xf32>, tensor<*xi64>) -> (tensor<?xf32>, none)
  // CHECK: llmc.onnx "" : "Source" version 1() {node_attributes = {}, present = array<i1>} : () -> tensor<?xf32>
  %2 = llmc.onnx "" : "Source" version 1 () {node_attributes = {}, present = array<i1>} : () -> tensor<?xf32>
  return
}
