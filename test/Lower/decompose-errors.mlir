// RUN: llmc-opt %s --llmc-decompose --split-input-file --verify-diagnostics

func.func @heads(%q: tensor<2x?x5x16xf32>, %k: tensor<2x2x5x16xf32>) -> tensor<2x?x5x16xf32> {
  // expected-error @+1 {{'llmc.attention' op needs static numbers of heads}}
  %0 = llmc.attention %q, %k, %k {scale = 0.25 : f32}
     : (tensor<2x?x5x16xf32>, tensor<2x2x5x16xf32>, tensor<2x2x5x16xf32>) -> tensor<2x?x5x16xf32>
  return %0 : tensor<2x?x5x16xf32>
}
