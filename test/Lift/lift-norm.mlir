// RUN: llmc-opt %s --llmc-lift-norm | FileCheck %s

// CHECK-LABEL: func.func @rms_dynamo
// CHECK-SAME: (%[[X:.*]]: tensor<?x8xf32>, %[[W:.*]]: tensor<8xf32>)
// CHECK-NEXT: %[[Y:.*]] = llmc.rms_norm %[[X]], %[[W]] {epsilon = 9.99999997E-7 : f32}
// CHECK-NEXT: return %[[Y]]
func.func @rms_dynamo(%x: tensor<?x8xf32>, %w: tensor<8xf32>)
    -> tensor<?x8xf32> {
  %two = llmc.constant dense<2.0> : tensor<f32>
  %eps = llmc.constant dense<9.99999997E-7> : tensor<f32>
  %p = llmc.pow %x, %two : (tensor<?x8xf32>, tensor<f32>) -> tensor<?x8xf32>
  %m = llmc.reduce mean %p {axes = array<i64: 1>}
     : (tensor<?x8xf32>) -> tensor<?x1xf32>
  %e = llmc.add %m, %eps : (tensor<?x1xf32>, tensor<f32>) -> tensor<?x1xf32>
  %s = llmc.sqrt %e : (tensor<?x1xf32>) -> tensor<?x1xf32>
  %r = llmc.reciprocal %s : (tensor<?x1xf32>) -> tensor<?x1xf32>
  %n = llmc.mul %x, %r : (tensor<?x8xf32>, tensor<?x1xf32>) -> tensor<?x8xf32>
  %y = llmc.mul %w, %n : (tensor<8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// TorchScript: 1 / sqrt, and x * x. optimum divides by the root at once.
// CHECK-LABEL: func.func @rms_spellings
// CHECK: llmc.rms_norm
// CHECK-NEXT: llmc.rms_norm
// CHECK-NEXT: return
func.func @rms_spellings(%x: tensor<?x8xf32>, %w: tensor<8xf32>)
    -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  %one = llmc.constant dense<1.0> : tensor<f32>
  %eps = llmc.constant dense<1.0E-5> : tensor<f32>
  %p = llmc.mul %x, %x : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %m = llmc.reduce mean %p {axes = array<i64: 1>}
     : (tensor<?x8xf32>) -> tensor<?x1xf32>
  %e = llmc.add %eps, %m : (tensor<f32>, tensor<?x1xf32>) -> tensor<?x1xf32>
  %s = llmc.sqrt %e : (tensor<?x1xf32>) -> tensor<?x1xf32>
  %r = llmc.div %one, %s : (tensor<f32>, tensor<?x1xf32>) -> tensor<?x1xf32>
  %n = llmc.mul %r, %x : (tensor<?x1xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %y = llmc.mul %n, %w : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  %d = llmc.div %x, %s : (tensor<?x8xf32>, tensor<?x1xf32>) -> tensor<?x8xf32>
  %z = llmc.mul %d, %w : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  return %y, %z : tensor<?x8xf32>, tensor<?x8xf32>
}

// CHECK-LABEL: func.func @rms_half
// CHECK-SAME: (%[[X:.*]]: tensor<?x8xf16>, %[[W:.*]]: tensor<8xf16>)
// CHECK-NEXT: llmc.rms_norm %[[X]], %[[W]] {{.*}} (tensor<?x8xf16>, tensor<8xf16>) -> tensor<?x8xf16>
func.func @rms_half(%h: tensor<?x8xf16>, %w: tensor<8xf16>)
    -> tensor<?x8xf16> {
  %two = llmc.constant dense<2.0> : tensor<f32>
  %eps = llmc.constant dense<1.0E-5> : tensor<f32>
  %x = llmc.cast %h {to = f32} : (tensor<?x8xf16>) -> tensor<?x8xf32>
  %p = llmc.pow %x, %two : (tensor<?x8xf32>, tensor<f32>) -> tensor<?x8xf32>
  %m = llmc.reduce mean %p {axes = array<i64: 1>}
     : (tensor<?x8xf32>) -> tensor<?x1xf32>
  %e = llmc.add %m, %eps : (tensor<?x1xf32>, tensor<f32>) -> tensor<?x1xf32>
  %s = llmc.sqrt %e : (tensor<?x1xf32>) -> tensor<?x1xf32>
  %r = llmc.reciprocal %s : (tensor<?x1xf32>) -> tensor<?x1xf32>
  %n = llmc.mul %x, %r : (tensor<?x8xf32>, tensor<?x1xf32>) -> tensor<?x8xf32>
  %c = llmc.cast %n {to = f16} : (tensor<?x8xf32>) -> tensor<?x8xf16>
  %y = llmc.mul %w, %c : (tensor<8xf16>, tensor<?x8xf16>) -> tensor<?x8xf16>
  return %y : tensor<?x8xf16>
}

// CHECK-LABEL: func.func @layer_norm
// CHECK-SAME: (%[[X:.*]]: tensor<?x8xf32>, %[[W:.*]]: tensor<8xf32>, %[[B:.*]]: tensor<8xf32>)
// CHECK-NEXT: llmc.layer_norm %[[X]], %[[W]], %[[B]] {axis = 1 : i64, epsilon = 9.99999974E-6 : f32}
// CHECK-NEXT: return
func.func @layer_norm(%x: tensor<?x8xf32>, %w: tensor<8xf32>, %b: tensor<8xf32>)
    -> tensor<?x8xf32> {
  %two = llmc.constant dense<2.0> : tensor<f32>
  %eps = llmc.constant dense<1.0E-5> : tensor<f32>
  %a = llmc.reduce mean %x {axes = array<i64: 1>}
     : (tensor<?x8xf32>) -> tensor<?x1xf32>
  %d = llmc.sub %x, %a : (tensor<?x8xf32>, tensor<?x1xf32>) -> tensor<?x8xf32>
  %p = llmc.pow %d, %two : (tensor<?x8xf32>, tensor<f32>) -> tensor<?x8xf32>
  %m = llmc.reduce mean %p {axes = array<i64: 1>}
     : (tensor<?x8xf32>) -> tensor<?x1xf32>
  %e = llmc.add %m, %eps : (tensor<?x1xf32>, tensor<f32>) -> tensor<?x1xf32>
  %s = llmc.sqrt %e : (tensor<?x1xf32>) -> tensor<?x1xf32>
  %n = llmc.div %d, %s : (tensor<?x8xf32>, tensor<?x1xf32>) -> tensor<?x8xf32>
  %g = llmc.mul %n, %w : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  %y = llmc.add %g, %b : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// What is normalized is a product itself.
// CHECK-LABEL: func.func @rms_of_product
// CHECK: llmc.rms_norm
func.func @rms_of_product(%z: tensor<?x8xf32>, %w: tensor<8xf32>)
    -> tensor<?x8xf32> {
  %two = llmc.constant dense<2.0> : tensor<f32>
  %eps = llmc.constant dense<1.0E-5> : tensor<f32>
  %x = llmc.mul %z, %two : (tensor<?x8xf32>, tensor<f32>) -> tensor<?x8xf32>
  %p = llmc.pow %x, %two : (tensor<?x8xf32>, tensor<f32>) -> tensor<?x8xf32>
  %m = llmc.reduce mean %p {axes = array<i64: 1>}
     : (tensor<?x8xf32>) -> tensor<?x1xf32>
  %e = llmc.add %m, %eps : (tensor<?x1xf32>, tensor<f32>) -> tensor<?x1xf32>
  %s = llmc.sqrt %e : (tensor<?x1xf32>) -> tensor<?x1xf32>
  %n = llmc.div %x, %s : (tensor<?x8xf32>, tensor<?x1xf32>) -> tensor<?x8xf32>
  %y = llmc.mul %n, %w : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// The mean of another value, another axis, a scale per row: not these ops.
// CHECK-LABEL: func.func @not_norm
// CHECK-NOT: llmc.rms_norm
func.func @not_norm(%x: tensor<8x8xf32>, %z: tensor<8x8xf32>, %w: tensor<8xf32>,
                    %rows: tensor<8x1xf32>)
    -> (tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>) {
  %eps = llmc.constant dense<1.0E-5> : tensor<f32>
  %p = llmc.mul %z, %z : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
  %m = llmc.reduce mean %p {axes = array<i64: 1>}
     : (tensor<8x8xf32>) -> tensor<8x1xf32>
  %e = llmc.add %m, %eps : (tensor<8x1xf32>, tensor<f32>) -> tensor<8x1xf32>
  %s = llmc.sqrt %e : (tensor<8x1xf32>) -> tensor<8x1xf32>
  %n = llmc.div %x, %s : (tensor<8x8xf32>, tensor<8x1xf32>) -> tensor<8x8xf32>
  %a = llmc.mul %n, %w : (tensor<8x8xf32>, tensor<8xf32>) -> tensor<8x8xf32>
  %m0 = llmc.reduce mean %p {axes = array<i64: 0>}
      : (tensor<8x8xf32>) -> tensor<1x8xf32>
  %e0 = llmc.add %m0, %eps : (tensor<1x8xf32>, tensor<f32>) -> tensor<1x8xf32>
  %s0 = llmc.sqrt %e0 : (tensor<1x8xf32>) -> tensor<1x8xf32>
  %n0 = llmc.div %z, %s0 : (tensor<8x8xf32>, tensor<1x8xf32>) -> tensor<8x8xf32>
  %b = llmc.mul %n0, %w : (tensor<8x8xf32>, tensor<8xf32>) -> tensor<8x8xf32>
  %n1 = llmc.div %z, %s : (tensor<8x8xf32>, tensor<8x1xf32>) -> tensor<8x8xf32>
  %c = llmc.mul %n1, %rows
     : (tensor<8x8xf32>, tensor<8x1xf32>) -> tensor<8x8xf32>
  return %a, %b, %c : tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>
}
