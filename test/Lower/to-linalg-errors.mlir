// RUN: llmc-opt %s --llmc-to-linalg --split-input-file --verify-diagnostics

func.func @unknown(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{no lowering for the ONNX op ai.onnx.ml.Scaler version 1}}
  %0 = llmc.onnx "ai.onnx.ml" : "Scaler" version 1 (%x) {node_attributes = {}, present = array<i1: true>}
     : (tensor<4xf32>) -> tensor<4xf32>
  // expected-error @+1 {{no lowering for the ONNX op ai.onnx.Other version 22}}
  %1 = llmc.onnx "" : "Other" version 22 (%0) {node_attributes = {}, present = array<i1: true>}
     : (tensor<4xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// -----

func.func @conv_transpose(%x: tensor<1x2x5xf32>, %w: tensor<2x1x?xf32>) -> tensor<1x1x?xf32> {
  // expected-error @+2 {{'llmc.conv_transpose' op has no lowering for a weight whose shape is not static}}
  // expected-error @+1 {{failed to legalize operation 'llmc.conv_transpose'}}
  %0 = llmc.conv_transpose %x, %w {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>,
       output_padding = array<i64: 0>, group = 1} : (tensor<1x2x5xf32>, tensor<2x1x?xf32>) -> tensor<1x1x?xf32>
  return %0 : tensor<1x1x?xf32>
}

// -----

// The building blocks are primitive ops by now.
func.func @block(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{failed to legalize operation 'llmc.silu'}}
  %0 = llmc.silu %x : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
