func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
  %0 = llmc.onnx "" : "Other" version 1 (%x) {node_attributes = {}, present = array<i1: true>} : (tensor<2xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}
