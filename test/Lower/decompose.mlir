// RUN: llmc-opt %s --llmc-decompose | FileCheck %s
// RUN: llmc-run %s --input 'x=dense<[[[[3.0, 4.0, 0.0, -1.0], [1.0, 1.0, 1.0, 1.0]]]]> : tensor<1x1x2x4xf32>' | FileCheck %s --check-prefix=VALUES

// CHECK-LABEL: func.func @main
// CHECK-NOT: llmc.{{embedding|rms_norm|layer_norm|gelu|silu|rope|attention}}
func.func @main(%x: tensor<1x1x2x4xf32> {llmc.name = "x"})
    -> (tensor<1x1x2x4xf32> {llmc.name = "rms"},
        tensor<1x1x2x4xf32> {llmc.name = "layer"},
        tensor<1x1x2x4xf32> {llmc.name = "gelu"},
        tensor<1x1x2x4xf32> {llmc.name = "tanh"},
        tensor<1x1x2x4xf32> {llmc.name = "silu"},
        tensor<1x1x2x4xf32> {llmc.name = "rope"},
        tensor<1x1x2x4xf32> {llmc.name = "interleaved"},
        tensor<1x1x2x4xf32> {llmc.name = "partial"}) {
  %scale = llmc.constant dense<[1.0, 2.0, 1.0, 1.0]> : tensor<4xf32>
  %bias = llmc.constant dense<[0.0, 0.0, 0.0, 10.0]> : tensor<4xf32>
  // mean(9, 16, 0, 1) = 6.5, and 6.5 - 0.25 = 6.25 = 2.5^2.
  // VALUES: rms: dense<{{\[\[\[\[}}1.200000e+00, 3.200000e+00, 0.000000e+00, -4.000000e-01], [1.15470052, 2.30940104, 1.15470052, 1.15470052]]]]>
  %rms = llmc.rms_norm %x, %scale {epsilon = -0.25 : f32}
     : (tensor<1x1x2x4xf32>, tensor<4xf32>) -> tensor<1x1x2x4xf32>
  // mean 1.5, variance (2.25 + 6.25 + 2.25 + 6.25) / 4 = 4.25.
  // VALUES: layer: dense<{{\[\[\[\[}}6.000000e-01, 2.000000e+00, -6.000000e-01, 9.000000e+00], [0.000000e+00, 0.000000e+00, 0.000000e+00, 1.000000e+01]]]]>
  %layer = llmc.layer_norm %x, %scale, %bias
     {axis = 3 : i64, epsilon = 2.0 : f32}
     : (tensor<1x1x2x4xf32>, tensor<4xf32>, tensor<4xf32>)
     -> tensor<1x1x2x4xf32>
  // VALUES: gelu: dense<{{\[\[\[\[}}2.9959{{[0-9]*}}, 3.9998{{[0-9]*}}, 0.000000e+00, -0.15865{{[0-9]*}}],
  %gelu = llmc.gelu %x : (tensor<1x1x2x4xf32>) -> tensor<1x1x2x4xf32>
  // VALUES: tanh: dense<{{\[\[\[\[}}2.9963{{[0-9]*}}, 3.999930e+00, 0.000000e+00, -1.588080e-01],
  %tanh = llmc.gelu %x {tanh} : (tensor<1x1x2x4xf32>) -> tensor<1x1x2x4xf32>
  // VALUES: silu: dense<{{\[\[\[\[}}2.85772{{[0-9]*}}, 3.92805{{[0-9]*}}, 0.000000e+00, -0.26894{{[0-9]*}}],
  %silu = llmc.silu %x : (tensor<1x1x2x4xf32>) -> tensor<1x1x2x4xf32>
  %cos = llmc.constant dense<[[[0.0, 1.0], [0.6, 0.6]]]> : tensor<1x2x2xf32>
  %sin = llmc.constant dense<[[[1.0, 0.0], [0.8, 0.8]]]> : tensor<1x2x2xf32>
  // VALUES: rope: dense<{{\[\[\[\[}}{{-?}}0.000000e+00, 4.000000e+00, 3.000000e+00, -1.000000e+00], [-0.19999{{[0-9]*}}, -0.19999{{[0-9]*}}, 1.4{{[0-9e+]*}}, 1.4{{[0-9e+]*}}]]]]>
  %rope = llmc.rope %x, %cos, %sin
     : (tensor<1x1x2x4xf32>, tensor<1x2x2xf32>, tensor<1x2x2xf32>)
     -> tensor<1x1x2x4xf32>
  // VALUES: interleaved: dense<{{\[\[\[\[}}-4.000000e+00, 3.000000e+00, 0.000000e+00, -1.000000e+00], [-0.19999{{[0-9]*}}, 1.4{{[0-9e+]*}}, -0.19999{{[0-9]*}}, 1.4{{[0-9e+]*}}]]]]>
  %interleaved = llmc.rope %x, %cos, %sin {interleaved}
     : (tensor<1x1x2x4xf32>, tensor<1x2x2xf32>, tensor<1x2x2xf32>)
     -> tensor<1x1x2x4xf32>
  %cos1 = llmc.constant dense<[[[0.0], [0.6]]]> : tensor<1x2x1xf32>
  %sin1 = llmc.constant dense<[[[1.0], [0.8]]]> : tensor<1x2x1xf32>
  // VALUES: partial: dense<{{\[\[\[\[}}-4.000000e+00, 3.000000e+00, 0.000000e+00, -1.000000e+00], [-0.19999{{[0-9]*}}, 1.4{{[0-9e+]*}}, 1.000000e+00, 1.000000e+00]]]]>
  %partial = llmc.rope %x, %cos1, %sin1
     : (tensor<1x1x2x4xf32>, tensor<1x2x1xf32>, tensor<1x2x1xf32>)
     -> tensor<1x1x2x4xf32>
  return %rms, %layer, %gelu, %tanh, %silu, %rope, %interleaved,
      %partial : tensor<1x1x2x4xf32>, tensor<1x1x2x4xf32>,
      tensor<1x1x2x4xf32>, tensor<1x1x2x4xf32>, tensor<1x1x2x4xf32>,
      tensor<1x1x2x4xf32>, tensor<1x1x2x4xf32>, tensor<1x1x2x4xf32>
}
