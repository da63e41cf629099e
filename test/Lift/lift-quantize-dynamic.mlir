// RUN: llmc-opt %s --llmc-lift-quantize-dynamic | FileCheck %s

// As export writes it, node by node.
// CHECK-LABEL: func.func @whole
// CHECK-SAME: (%[[X:.*]]: tensor<?x?x64xf32>)
// CHECK: %[[Y:.*]] = llmc.quantize_dynamic %[[X]] {block = 32 : i64}
// CHECK-NEXT: return %[[Y]]
func.func @whole(%x: tensor<?x?x64xf32>) -> tensor<?x?x64xf32> {
  %split = llmc.constant dense<[0, 0, 2, 32]> : tensor<4xi64>
  %merge = llmc.constant dense<[0, 0, 64]> : tensor<3xi64>
  %tiny = llmc.constant dense<0x03800000> : tensor<f32>
  %zero = llmc.constant dense<0.0> : tensor<f32>
  %most = llmc.constant dense<127.0> : tensor<f32>
  %b = llmc.reshape %x, %split : (tensor<?x?x64xf32>, tensor<4xi64>) -> tensor<?x?x2x32xf32>
  %a = llmc.abs %b : (tensor<?x?x2x32xf32>) -> tensor<?x?x2x32xf32>
  %m = llmc.reduce max %a {axes = array<i64: 3>} : (tensor<?x?x2x32xf32>) -> tensor<?x?x2x1xf32>
  %t = llmc.less %m, %tiny : (tensor<?x?x2x1xf32>, tensor<f32>) -> tensor<?x?x2x1xi1>
  %d = llmc.div %most, %m : (tensor<f32>, tensor<?x?x2x1xf32>) -> tensor<?x?x2x1xf32>
  %i = llmc.where %t, %zero, %d : (tensor<?x?x2x1xi1>, tensor<f32>, tensor<?x?x2x1xf32>) -> tensor<?x?x2x1xf32>
  %p = llmc.mul %b, %i : (tensor<?x?x2x32xf32>, tensor<?x?x2x1xf32>) -> tensor<?x?x2x32xf32>
  %q = llmc.round %p : (tensor<?x?x2x32xf32>) -> tensor<?x?x2x32xf32>
  %s = llmc.div %m, %most : (tensor<?x?x2x1xf32>, tensor<f32>) -> tensor<?x?x2x1xf32>
  %v = llmc.mul %q, %s : (tensor<?x?x2x32xf32>, tensor<?x?x2x1xf32>) -> tensor<?x?x2x32xf32>
  %y = llmc.reshape %v, %merge : (tensor<?x?x2x32xf32>, tensor<3xi64>) -> tensor<?x?x64xf32>
  return %y : tensor<?x?x64xf32>
}

// The last block is shorter: 40 are two blocks of 24, with 8 zeros.
// CHECK-LABEL: func.func @padded
// CHECK-SAME: (%[[X:.*]]: tensor<?x40xf32>)
// CHECK-NEXT: %[[Y:.*]] = llmc.quantize_dynamic %[[X]] {block = 24 : i64} : (tensor<?x40xf32>)
// CHECK-NEXT: return %[[Y]]
func.func @padded(%x: tensor<?x40xf32>) -> tensor<?x40xf32> {
  %pads = llmc.constant dense<[0, 0, 0, 8]> : tensor<4xi64>
  %first = llmc.constant dense<0> : tensor<1xi64>
  %end = llmc.constant dense<40> : tensor<1xi64>
  %one = llmc.constant dense<1> : tensor<1xi64>
  %split = llmc.constant dense<[0, 2, 24]> : tensor<3xi64>
  %merge = llmc.constant dense<[0, 48]> : tensor<2xi64>
  %tiny = llmc.constant dense<0x03800000> : tensor<f32>
  %zero = llmc.constant dense<0.0> : tensor<f32>
  %most = llmc.constant dense<127.0> : tensor<f32>
  %w = llmc.pad constant %x, %pads, %zero : (tensor<?x40xf32>, tensor<4xi64>, tensor<f32>) -> tensor<?x48xf32>
  %b = llmc.reshape %w, %split : (tensor<?x48xf32>, tensor<3xi64>) -> tensor<?x2x24xf32>
  %a = llmc.abs %b : (tensor<?x2x24xf32>) -> tensor<?x2x24xf32>
  %m = llmc.reduce max %a {axes = array<i64: 2>} : (tensor<?x2x24xf32>) -> tensor<?x2x1xf32>
  %t = llmc.less %m, %tiny : (tensor<?x2x1xf32>, tensor<f32>) -> tensor<?x2x1xi1>
  %d = llmc.div %most, %m : (tensor<f32>, tensor<?x2x1xf32>) -> tensor<?x2x1xf32>
  %i = llmc.where %t, %zero, %d : (tensor<?x2x1xi1>, tensor<f32>, tensor<?x2x1xf32>) -> tensor<?x2x1xf32>
  %p = llmc.mul %b, %i : (tensor<?x2x24xf32>, tensor<?x2x1xf32>) -> tensor<?x2x24xf32>
  %q = llmc.round %p : (tensor<?x2x24xf32>) -> tensor<?x2x24xf32>
  %s = llmc.div %m, %most : (tensor<?x2x1xf32>, tensor<f32>) -> tensor<?x2x1xf32>
  %v = llmc.mul %q, %s : (tensor<?x2x24xf32>, tensor<?x2x1xf32>) -> tensor<?x2x24xf32>
  %u = llmc.reshape %v, %merge : (tensor<?x2x24xf32>, tensor<2xi64>) -> tensor<?x48xf32>
  %y = llmc.slice %u, %first, %end, %one {axes = array<i64: 1>}
     : (tensor<?x48xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x40xf32>
  return %y : tensor<?x40xf32>
}

// Codes up to 128, and the magnitude of another tensor.
// CHECK-LABEL: func.func @other
// CHECK-NOT: llmc.quantize_dynamic
// CHECK-LABEL: func.func @magnitude
// CHECK-NOT: llmc.quantize_dynamic
func.func @other(%x: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %split = llmc.constant dense<[0, 2, 32]> : tensor<3xi64>
  %merge = llmc.constant dense<[0, 64]> : tensor<2xi64>
  %tiny = llmc.constant dense<0x03800000> : tensor<f32>
  %zero = llmc.constant dense<0.0> : tensor<f32>
  %most = llmc.constant dense<128.0> : tensor<f32>
  %b = llmc.reshape %x, %split : (tensor<?x64xf32>, tensor<3xi64>) -> tensor<?x2x32xf32>
  %a = llmc.abs %b : (tensor<?x2x32xf32>) -> tensor<?x2x32xf32>
  %m = llmc.reduce max %a {axes = array<i64: 2>} : (tensor<?x2x32xf32>) -> tensor<?x2x1xf32>
  %t = llmc.less %m, %tiny : (tensor<?x2x1xf32>, tensor<f32>) -> tensor<?x2x1xi1>
  %d = llmc.div %most, %m : (tensor<f32>, tensor<?x2x1xf32>) -> tensor<?x2x1xf32>
  %i = llmc.where %t, %zero, %d : (tensor<?x2x1xi1>, tensor<f32>, tensor<?x2x1xf32>) -> tensor<?x2x1xf32>
  %p = llmc.mul %b, %i : (tensor<?x2x32xf32>, tensor<?x2x1xf32>) -> tensor<?x2x32xf32>
  %q = llmc.round %p : (tensor<?x2x32xf32>) -> tensor<?x2x32xf32>
  %s = llmc.div %m, %most : (tensor<?x2x1xf32>, tensor<f32>) -> tensor<?x2x1xf32>
  %v = llmc.mul %q, %s : (tensor<?x2x32xf32>, tensor<?x2x1xf32>) -> tensor<?x2x32xf32>
  %y = llmc.reshape %v, %merge : (tensor<?x2x32xf32>, tensor<2xi64>) -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}
func.func @magnitude(%x: tensor<?x64xf32>, %z: tensor<?x2x32xf32>) -> tensor<?x64xf32> {
  %split = llmc.constant dense<[0, 2, 32]> : tensor<3xi64>
  %merge = llmc.constant dense<[0, 64]> : tensor<2xi64>
  %tiny = llmc.constant dense<0x03800000> : tensor<f32>
  %zero = llmc.constant dense<0.0> : tensor<f32>
  %most = llmc.constant dense<127.0> : tensor<f32>
  %b = llmc.reshape %x, %split : (tensor<?x64xf32>, tensor<3xi64>) -> tensor<?x2x32xf32>
  %a = llmc.abs %z : (tensor<?x2x32xf32>) -> tensor<?x2x32xf32>
  %m = llmc.reduce max %a {axes = array<i64: 2>} : (tensor<?x2x32xf32>) -> tensor<?x2x1xf32>
  %t = llmc.less %m, %tiny : (tensor<?x2x1xf32>, tensor<f32>) -> tensor<?x2x1xi1>
  %d = llmc.div %most, %m : (tensor<f32>, tensor<?x2x1xf32>) -> tensor<?x2x1xf32>
  %i = llmc.where %t, %zero, %d : (tensor<?x2x1xi1>, tensor<f32>, tensor<?x2x1xf32>) -> tensor<?x2x1xf32>
  %p = llmc.mul %b, %i : (tensor<?x2x32xf32>, tensor<?x2x1xf32>) -> tensor<?x2x32xf32>
  %q = llmc.round %p : (tensor<?x2x32xf32>) -> tensor<?x2x32xf32>
  %s = llmc.div %m, %most : (tensor<?x2x1xf32>, tensor<f32>) -> tensor<?x2x1xf32>
  %v = llmc.mul %q, %s : (tensor<?x2x32xf32>, tensor<?x2x1xf32>) -> tensor<?x2x32xf32>
  %y = llmc.reshape %v, %merge : (tensor<?x2x32xf32>, tensor<2xi64>) -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}
