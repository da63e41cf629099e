// RUN: llmc-run %s --input 'x=dense<[[[1.0], [2.0]], [[3.0], [4.0]], [[5.0], [6.0]]]> : tensor<3x2x1xf32>' \
// RUN:   --input 'n=dense<[3, 2]> : tensor<2xi32>' | FileCheck %s

// Numbers are ONNX Runtime's.
func.func @main(%x: tensor<?x?x1xf32> {llmc.name = "x"}, %n: tensor<?xi32> {llmc.name = "n"})
    -> (tensor<?x2x?x1xf32> {llmc.name = "lstm"}, tensor<2x?x1xf32> {llmc.name = "lstm_h"},
        tensor<2x?x1xf32> {llmc.name = "lstm_c"}, tensor<?x1x?x1xf32> {llmc.name = "gru"},
        tensor<?x1x?x1xf32> {llmc.name = "gru_linear"}, tensor<1x?x1xf32> {llmc.name = "gru_h"},
        tensor<?x1x?x1xf32> {llmc.name = "rnn"}) {
  // CHECK: lstm: dense<{{\[}}[{{\[}}[0.23757{{[0-9]*}}], [0.25218{{[0-9]*}}]], {{\[}}[-0.26562{{[0-9]*}}], [-0.32797{{[0-9]*}}]]],
  // CHECK-SAME: {{\[}}{{\[}}[0.38826{{[0-9]*}}], [0.34524{{[0-9]*}}]], {{\[}}[-0.27437{{[0-9]*}}], [-0.29082{{[0-9]*}}]]],
  // CHECK-SAME: {{\[}}{{\[}}[0.3043{{[0-9]*}}], [0.000000e+00]], {{\[}}[-0.24825{{[0-9]*}}], [0.000000e+00]]]]>
  // CHECK: lstm_h: dense<{{\[}}[{{\[}}0.3043{{[0-9]*}}], [0.34524{{[0-9]*}}]], {{\[}}[-0.26562{{[0-9]*}}], [-0.32797{{[0-9]*}}]]]>
  // CHECK: lstm_c: dense<{{\[}}[{{\[}}2.01251{{[0-9]*}}], [1.32373{{[0-9]*}}]], {{\[}}[-0.42389{{[0-9]*}}], [-0.49232{{[0-9]*}}]]]>
  %w = llmc.constant dense<[[[0.5], [-0.25], [0.125], [1.0]], [[-0.5], [0.25], [-0.125], [-1.0]]]> : tensor<2x4x1xf32>
  %r = llmc.constant dense<[[[0.1], [0.2], [-0.3], [0.4]], [[0.1], [0.2], [-0.3], [0.4]]]> : tensor<2x4x1xf32>
  %b = llmc.constant dense<[[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8],
                            [0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4]]> : tensor<2x8xf32>
  %h = llmc.constant dense<0.5> : tensor<2x2x1xf32>
  %c = llmc.constant dense<-0.5> : tensor<2x2x1xf32>
  %p = llmc.constant dense<[[0.1, -0.2, 0.3], [0.1, -0.2, 0.3]]> : tensor<2x3xf32>
  %0:3 = llmc.lstm %x, %w, %r, %b, %n, %h, %c, %p {direction = "bidirectional",
      activations = ["Sigmoid", "Tanh", "Tanh", "Sigmoid", "Tanh", "Tanh"],
      activation_alpha = array<f32: 0.0, 0.0, 0.0, 0.0, 0.0, 0.0>,
      activation_beta = array<f32: 0.0, 0.0, 0.0, 0.0, 0.0, 0.0>,
      operandSegmentSizes = array<i32: 1, 1, 1, 1, 1, 1, 1, 1>}
     : (tensor<?x?x1xf32>, tensor<2x4x1xf32>, tensor<2x4x1xf32>, tensor<2x8xf32>, tensor<?xi32>,
        tensor<2x2x1xf32>, tensor<2x2x1xf32>, tensor<2x3xf32>)
    -> (tensor<?x2x?x1xf32>, tensor<2x?x1xf32>, tensor<2x?x1xf32>)
  // CHECK: gru: dense<{{\[}}[{{\[}}[0.20759{{[0-9]*}}], [0.14917{{[0-9]*}}]]], {{\[}}{{\[}}[0.28238{{[0-9]*}}], [0.20394{{[0-9]*}}]]],
  // CHECK-SAME: {{\[}}{{\[}}[0.31107{{[0-9]*}}], [0.22469{{[0-9]*}}]]]]>
  %gw = llmc.constant dense<[[[0.5], [-0.25], [0.125]]]> : tensor<1x3x1xf32>
  %gr = llmc.constant dense<[[[0.1], [0.2], [-0.3]]]> : tensor<1x3x1xf32>
  %gb = llmc.constant dense<[[0.1, 0.2, 0.3, 0.4, 0.5, 0.6]]> : tensor<1x6xf32>
  %1:2 = llmc.gru %x, %gw, %gr, %gb {direction = "forward", activations = ["Sigmoid", "Tanh"],
      activation_alpha = array<f32: 0.0, 0.0>, activation_beta = array<f32: 0.0, 0.0>,
      operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>}
     : (tensor<?x?x1xf32>, tensor<1x3x1xf32>, tensor<1x3x1xf32>, tensor<1x6xf32>)
    -> (tensor<?x1x?x1xf32>, tensor<1x?x1xf32>)
  // CHECK: gru_linear: dense<{{\[}}[{{\[}}[0.26274{{[0-9]*}}], [0.19421{{[0-9]*}}]]], {{\[}}{{\[}}[0.12267{{[0-9]*}}], [0.08213{{[0-9]*}}]]],
  // CHECK-SAME: {{\[}}{{\[}}[0.03869{{[0-9]*}}], [0.02474{{[0-9]*}}]]]]>
  // CHECK: gru_h: dense<{{\[}}[{{\[}}0.26274{{[0-9]*}}], [0.19421{{[0-9]*}}]]]>
  %2:2 = llmc.gru %x, %gw, %gr, %gb {direction = "reverse", activations = ["Sigmoid", "Tanh"],
      activation_alpha = array<f32: 0.0, 0.0>, activation_beta = array<f32: 0.0, 0.0>,
      linear_before_reset, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>}
     : (tensor<?x?x1xf32>, tensor<1x3x1xf32>, tensor<1x3x1xf32>, tensor<1x6xf32>)
    -> (tensor<?x1x?x1xf32>, tensor<1x?x1xf32>)
  // 2 * min(x / 2 + h / 10 + 0.3, 0.75) + 1
  // CHECK: rnn: dense<2.500000e+00> : tensor<3x1x2x1xf32>
  %rw = llmc.constant dense<0.5> : tensor<1x1x1xf32>
  %rr = llmc.constant dense<0.1> : tensor<1x1x1xf32>
  %rb = llmc.constant dense<[[0.1, 0.2]]> : tensor<1x2xf32>
  %3:2 = llmc.rnn %x, %rw, %rr, %rb {direction = "forward", activations = ["Affine"],
      activation_alpha = array<f32: 2.0>, activation_beta = array<f32: 1.0>, clip = 0.75 : f32,
      operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>}
     : (tensor<?x?x1xf32>, tensor<1x1x1xf32>, tensor<1x1x1xf32>, tensor<1x2xf32>)
    -> (tensor<?x1x?x1xf32>, tensor<1x?x1xf32>)
  return %0#0, %0#1, %0#2, %1#0, %2#0, %2#1, %3#0
    : tensor<?x2x?x1xf32>, tensor<2x?x1xf32>, tensor<2x?x1xf32>, tensor<?x1x?x1xf32>,
      tensor<?x1x?x1xf32>, tensor<1x?x1xf32>, tensor<?x1x?x1xf32>
}
