// RUN: llmc-opt %s --split-input-file --verify-diagnostics

func.func @few(%x: tensor<4xf32>) {
  // expected-error @+1 {{'llmc.onnx' op has 1 operands, but 'present' names 2}}
  %0 = llmc.onnx "" : "Other" version 1 (%x) {node_attributes = {}, present = array<i1: true, true>} : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @many(%x: tensor<4xf32>) {
  // expected-error @+1 {{'llmc.onnx' op has 2 operands, but 'present' names 1}}
  %0 = llmc.onnx "" : "Other" version 1 (%x, %x) {node_attributes = {}, present = array<i1: true, false>} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @attributes(%x: tensor<4xf32>) {
  // expected-error @+1 {{'llmc.onnx' op requires attribute 'node_attributes'}}
  %0 = llmc.onnx "" : "Other" version 1 (%x) {present = array<i1: true>} : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @version(%x: tensor<4xf32>) {
  // expected-error @+1 {{expected}}
  %0 = llmc.onnx "" : "Other" version (%x) {node_attributes = {}, present = array<i1: true>} : (tensor<4xf32>) -> tensor<4xf32>
  return
}
