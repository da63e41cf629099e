// RUN: llmc-opt %s | llmc-opt | FileCheck %s
// RUN: llmc-opt %s --mlir-print-op-generic | llmc-opt | FileCheck %s

// CHECK-LABEL: @rnn
func.func @rnn(%x: tensor<?x2x3xf32>, %w: tensor<1x4x3xf32>, %r: tensor<1x4x4xf32>, %b: tensor<1x8xf32>, %l: tensor<2xi32>,
               %h: tensor<1x2x4xf32>) {
  // CHECK: llmc.rnn %{{.*}}, %{{.*}}, %{{.*}} {activation_alpha = array<f32: 0.000000e+00>, activation_beta = array<f32: 0.000000e+00>, activations = ["Tanh"], direction = "forward", operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>} : {{.*}} -> (tensor<?x1x2x4xf32>, tensor<1x2x4xf32>)
  %0:2 = llmc.rnn %x, %w, %r {operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>, direction = "forward", activations = ["Tanh"],
         activation_alpha = array<f32: 0.0>, activation_beta = array<f32: 0.0>}
       : (tensor<?x2x3xf32>, tensor<1x4x3xf32>, tensor<1x4x4xf32>) -> (tensor<?x1x2x4xf32>, tensor<1x2x4xf32>)
  // CHECK: llmc.rnn %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} {{.*}} activations = ["LeakyRelu"], clip = 3.000000e+00 : f32, direction = "reverse"
  %1:2 = llmc.rnn %x, %w, %r, %b, %l, %h {operandSegmentSizes = array<i32: 1, 1, 1, 1, 1, 1>, direction = "reverse",
         activations = ["LeakyRelu"], activation_alpha = array<f32: 0.1>, activation_beta = array<f32: 0.0>, clip = 3.0 : f32}
       : (tensor<?x2x3xf32>, tensor<1x4x3xf32>, tensor<1x4x4xf32>, tensor<1x8xf32>, tensor<2xi32>, tensor<1x2x4xf32>)
      -> (tensor<?x1x2x4xf32>, tensor<1x2x4xf32>)
  return
}

// CHECK-LABEL: @gru
func.func @gru(%x: tensor<5x?x3xf32>, %w: tensor<2x12x3xf32>, %r: tensor<2x12x4xf32>, %b: tensor<2x24xf32>, %l: tensor<?xi32>,
               %h: tensor<2x?x4xf32>) {
  // CHECK: llmc.gru {{.*}} activations = ["Sigmoid", "Tanh", "HardSigmoid", "Softsign"], direction = "bidirectional", linear_before_reset{{.*}} -> (tensor<5x2x?x4xf32>, tensor<2x?x4xf32>)
  %0:2 = llmc.gru %x, %w, %r {operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>, direction = "bidirectional", linear_before_reset,
         activations = ["Sigmoid", "Tanh", "HardSigmoid", "Softsign"],
         activation_alpha = array<f32: 0.0, 0.0, 0.2, 0.0>, activation_beta = array<f32: 0.0, 0.0, 0.5, 0.0>}
       : (tensor<5x?x3xf32>, tensor<2x12x3xf32>, tensor<2x12x4xf32>) -> (tensor<5x2x?x4xf32>, tensor<2x?x4xf32>)
  // CHECK: llmc.gru %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} {{.*}} clip = 2.000000e+00 : f32
  %1:2 = llmc.gru %x, %w, %r, %b, %l, %h {operandSegmentSizes = array<i32: 1, 1, 1, 1, 1, 1>, direction = "bidirectional",
         activations = ["Relu", "Elu", "Affine", "Softplus"], activation_alpha = array<f32: 0.0, 1.0, 1.0, 0.0>,
         activation_beta = array<f32: 0.0, 0.0, 0.0, 0.0>, clip = 2.0 : f32}
       : (tensor<5x?x3xf32>, tensor<2x12x3xf32>, tensor<2x12x4xf32>, tensor<2x24xf32>, tensor<?xi32>, tensor<2x?x4xf32>)
      -> (tensor<5x2x?x4xf32>, tensor<2x?x4xf32>)
  return
}

// CHECK-LABEL: @lstm
func.func @lstm(%x: tensor<5x2x3xf32>, %w: tensor<1x16x3xf32>, %r: tensor<1x16x4xf32>, %h: tensor<1x2x4xf32>,
                %p: tensor<1x12xf32>, %b: tensor<1x32xf32>, %l: tensor<2xi32>) {
  // CHECK: llmc.lstm {{.*}} input_forget, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 1, 1, 1>} : {{.*}} -> (tensor<5x1x2x4xf32>, tensor<1x2x4xf32>, tensor<1x2x4xf32>)
  %0:3 = llmc.lstm %x, %w, %r, %h, %h, %p {operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 1, 1, 1>, direction = "forward",
         input_forget, activations = ["Sigmoid", "Tanh", "Tanh"], activation_alpha = array<f32: 0.0, 0.0, 0.0>,
         activation_beta = array<f32: 0.0, 0.0, 0.0>}
       : (tensor<5x2x3xf32>, tensor<1x16x3xf32>, tensor<1x16x4xf32>, tensor<1x2x4xf32>, tensor<1x2x4xf32>, tensor<1x12xf32>)
      -> (tensor<5x1x2x4xf32>, tensor<1x2x4xf32>, tensor<1x2x4xf32>)
  // CHECK: llmc.lstm %{{.*}}, %{{.*}}, %{{.*}} {{.*}} operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0, 0, 0>}
  %1:3 = llmc.lstm %x, %w, %r {operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0, 0, 0>, direction = "reverse",
         activations = ["Sigmoid", "Tanh", "Tanh"], activation_alpha = array<f32: 0.0, 0.0, 0.0>,
         activation_beta = array<f32: 0.0, 0.0, 0.0>}
       : (tensor<5x2x3xf32>, tensor<1x16x3xf32>, tensor<1x16x4xf32>)
      -> (tensor<5x1x2x4xf32>, tensor<1x2x4xf32>, tensor<1x2x4xf32>)
  // CHECK: llmc.lstm {{.*}} clip = 4.000000e+00 : f32, {{.*}} operandSegmentSizes = array<i32: 1, 1, 1, 1, 1, 1, 1, 1>}
  %2:3 = llmc.lstm %x, %w, %r, %b, %l, %h, %h, %p {operandSegmentSizes = array<i32: 1, 1, 1, 1, 1, 1, 1, 1>,
         direction = "forward", activations = ["Sigmoid", "ScaledTanh", "ThresholdedRelu"], clip = 4.0 : f32,
         activation_alpha = array<f32: 0.0, 1.0, 1.0>, activation_beta = array<f32: 0.0, 1.0, 0.0>}
       : (tensor<5x2x3xf32>, tensor<1x16x3xf32>, tensor<1x16x4xf32>, tensor<1x32xf32>, tensor<2xi32>, tensor<1x2x4xf32>,
          tensor<1x2x4xf32>, tensor<1x12xf32>)
      -> (tensor<5x1x2x4xf32>, tensor<1x2x4xf32>, tensor<1x2x4xf32>)
  return
}
