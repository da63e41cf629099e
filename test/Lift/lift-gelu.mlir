// RUN: llmc-opt %s --llmc-lift-gelu | FileCheck %s

// x * (0.5 * (1 + erf(x / sqrt(2))))
// CHECK-LABEL: func.func @erf_torch
// CHECK-SAME: (%[[X:.*]]: tensor<?x8xf32>)
// CHECK-NEXT: %[[Y:.*]] = llmc.gelu %[[X]] :
// CHECK-NEXT: return %[[Y]]
func.func @erf_torch(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %r = llmc.constant dense<1.41421354> : tensor<f32>
  %one = llmc.constant dense<1.0> : tensor<f32>
  %half = llmc.constant dense<0.5> : tensor<f32>
  %d = llmc.div %x, %r : (tensor<?x8xf32>, tensor<f32>) -> tensor<?x8xf32>
  %e = llmc.erf %d : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %a = llmc.add %e, %one : (tensor<?x8xf32>, tensor<f32>) -> tensor<?x8xf32>
  %h = llmc.mul %half, %a : (tensor<f32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %y = llmc.mul %x, %h : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// 0.5 * (x * (1 + erf(0.70710678 x)))
// CHECK-LABEL: func.func @erf_ts
// CHECK: llmc.gelu %{{.*}} :
func.func @erf_ts(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %r = llmc.constant dense<0.707106769> : tensor<f32>
  %one = llmc.constant dense<1.0> : tensor<f32>
  %half = llmc.constant dense<0.5> : tensor<f32>
  %d = llmc.mul %r, %x : (tensor<f32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %e = llmc.erf %d : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %a = llmc.add %one, %e : (tensor<f32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %m = llmc.mul %x, %a : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %y = llmc.mul %m, %half : (tensor<?x8xf32>, tensor<f32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// gelu_new: the cube as a power.
// CHECK-LABEL: func.func @tanh_new
// CHECK: llmc.gelu %{{.*}} {tanh} :
func.func @tanh_new(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %three = llmc.constant dense<3.0> : tensor<f32>
  %c = llmc.constant dense<0.0447149985> : tensor<f32>
  %s = llmc.constant dense<0.797884583> : tensor<f32>
  %one = llmc.constant dense<1.0> : tensor<f32>
  %half = llmc.constant dense<0.5> : tensor<f32>
  %p = llmc.pow %x, %three : (tensor<?x8xf32>, tensor<f32>) -> tensor<?x8xf32>
  %q = llmc.mul %p, %c : (tensor<?x8xf32>, tensor<f32>) -> tensor<?x8xf32>
  %a = llmc.add %x, %q : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %u = llmc.mul %a, %s : (tensor<?x8xf32>, tensor<f32>) -> tensor<?x8xf32>
  %t = llmc.tanh %u : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %b = llmc.add %t, %one : (tensor<?x8xf32>, tensor<f32>) -> tensor<?x8xf32>
  %h = llmc.mul %x, %half : (tensor<?x8xf32>, tensor<f32>) -> tensor<?x8xf32>
  %y = llmc.mul %h, %b : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// gelu_fast: x * 0.79788 * (1 + 0.044715 * x * x)
// CHECK-LABEL: func.func @tanh_fast
// CHECK: llmc.gelu %{{.*}} {tanh} :
func.func @tanh_fast(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %c = llmc.constant dense<0.0447149985> : tensor<f32>
  %s = llmc.constant dense<0.797884583> : tensor<f32>
  %one = llmc.constant dense<1.0> : tensor<f32>
  %half = llmc.constant dense<0.5> : tensor<f32>
  %q = llmc.mul %x, %c : (tensor<?x8xf32>, tensor<f32>) -> tensor<?x8xf32>
  %q2 = llmc.mul %q, %x : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %a = llmc.add %q2, %one : (tensor<?x8xf32>, tensor<f32>) -> tensor<?x8xf32>
  %xs = llmc.mul %x, %s : (tensor<?x8xf32>, tensor<f32>) -> tensor<?x8xf32>
  %u = llmc.mul %xs, %a : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %t = llmc.tanh %u : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %b = llmc.add %one, %t : (tensor<f32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %h = llmc.mul %half, %x : (tensor<f32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %y = llmc.mul %h, %b : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// Another constant is another function.
// CHECK-LABEL: func.func @not_gelu
// CHECK-NOT: llmc.gelu
func.func @not_gelu(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %r = llmc.constant dense<0.7> : tensor<f32>
  %one = llmc.constant dense<1.0> : tensor<f32>
  %half = llmc.constant dense<0.5> : tensor<f32>
  %d = llmc.mul %r, %x : (tensor<f32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %e = llmc.erf %d : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %a = llmc.add %one, %e : (tensor<f32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %m = llmc.mul %x, %a : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %y = llmc.mul %m, %half : (tensor<?x8xf32>, tensor<f32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}
