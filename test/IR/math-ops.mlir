// RUN: llmc-opt %s | llmc-opt | FileCheck %s
// RUN: llmc-opt %s --mlir-print-op-generic | llmc-opt | FileCheck %s

// CHECK-LABEL: @unary
func.func @unary(%x: tensor<2x?xf32>, %i: tensor<3xi32>, %b: tensor<4xi1>) {
  // CHECK: llmc.abs %{{.*}} : (tensor<2x?xf32>) -> tensor<2x?xf32>
  %0 = llmc.abs %x : (tensor<2x?xf32>) -> tensor<2x?xf32>
  // CHECK: llmc.erf
  %1 = llmc.erf %x : (tensor<2x?xf32>) -> tensor<2x?xf32>
  // CHECK: llmc.not %{{.*}} : (tensor<4xi1>) -> tensor<4xi1>
  %2 = llmc.not %b : (tensor<4xi1>) -> tensor<4xi1>
  // CHECK: llmc.bitwise_not %{{.*}} : (tensor<3xi32>) -> tensor<3xi32>
  %3 = llmc.bitwise_not %i : (tensor<3xi32>) -> tensor<3xi32>
  // CHECK: llmc.is_inf %{{.*}} {detect_negative = false}
  %4 = llmc.is_inf %x {detect_negative = false}
     : (tensor<2x?xf32>) -> tensor<2x?xi1>
  // A type may say more than inference knew.
  // CHECK: llmc.exp %{{.*}} : (tensor<2x?xf32>) -> tensor<2x7xf32>
  %5 = llmc.exp %x : (tensor<2x?xf32>) -> tensor<2x7xf32>
  return
}

// CHECK-LABEL: @binary
func.func @binary(%x: tensor<2x1x3xf32>, %y: tensor<4x1xf32>,
                  %i: tensor<?xui8>, %n: tensor<i64>) {
  // CHECK: llmc.add {{.*}} -> tensor<2x4x3xf32>
  %0 = llmc.add %x, %y : (tensor<2x1x3xf32>, tensor<4x1xf32>) -> tensor<2x4x3xf32>
  // CHECK: llmc.less_or_equal {{.*}} -> tensor<2x4x3xi1>
  %1 = llmc.less_or_equal %x, %y
     : (tensor<2x1x3xf32>, tensor<4x1xf32>) -> tensor<2x4x3xi1>
  // CHECK: llmc.where {{.*}} -> tensor<2x4x3xf32>
  %2 = llmc.where %1, %x, %y
     : (tensor<2x4x3xi1>, tensor<2x1x3xf32>, tensor<4x1xf32>)
    -> tensor<2x4x3xf32>
  // CHECK: llmc.pow {{.*}} : (tensor<4x1xf32>, tensor<i64>) -> tensor<4x1xf32>
  %3 = llmc.pow %y, %n : (tensor<4x1xf32>, tensor<i64>) -> tensor<4x1xf32>
  // CHECK: llmc.bit_shift {{.*}} {right}
  %4 = llmc.bit_shift %i, %i {right} : (tensor<?xui8>, tensor<?xui8>) -> tensor<?xui8>
  // CHECK: llmc.mod {{.*}} {fmod}
  %5 = llmc.mod %x, %y {fmod}
     : (tensor<2x1x3xf32>, tensor<4x1xf32>) -> tensor<2x4x3xf32>
  // CHECK: llmc.cast {{.*}} {to = i32}
  %6 = llmc.cast %x {to = i32} : (tensor<2x1x3xf32>) -> tensor<2x1x3xi32>
  return
}

// CHECK-LABEL: @reductions
func.func @reductions(%x: tensor<2x?x5xf32>, %w: tensor<4x1x5x7xf32>,
                      %v: tensor<5xf32>) {
  // CHECK: llmc.reduce mean {{.*}} {axes = array<i64: 0, 2>} {{.*}} -> tensor<1x?x1xf32>
  %0 = llmc.reduce mean %x {axes = array<i64: 0, 2>}
     : (tensor<2x?x5xf32>) -> tensor<1x?x1xf32>
  // CHECK: llmc.reduce max {{.*}} keepdims = false} {{.*}} -> tensor<2x?xf32>
  %1 = llmc.reduce max %x {axes = array<i64: 2>, keepdims = false}
     : (tensor<2x?x5xf32>) -> tensor<2x?xf32>
  // CHECK: llmc.softmax {{.*}} {axis = 1 : i64, log}
  %2 = llmc.softmax %x {axis = 1 : i64, log}
     : (tensor<2x?x5xf32>) -> tensor<2x?x5xf32>
  // CHECK: llmc.matmul {{.*}} -> tensor<4x2x?x7xf32>
  %3 = llmc.matmul %x, %w
     : (tensor<2x?x5xf32>, tensor<4x1x5x7xf32>) -> tensor<4x2x?x7xf32>
  // CHECK: llmc.matmul {{.*}} -> tensor<2x?xf32>
  %4 = llmc.matmul %x, %v : (tensor<2x?x5xf32>, tensor<5xf32>) -> tensor<2x?xf32>
  // CHECK: llmc.matmul {{.*}} -> tensor<f32>
  %5 = llmc.matmul %v, %v : (tensor<5xf32>, tensor<5xf32>) -> tensor<f32>
  return
}

// CHECK-LABEL: @functions
func.func @functions(%x: tensor<2x?xf16>, %i: tensor<3xui8>) {
  // CHECK: llmc.neg %{{.*}} : (tensor<2x?xf16>) -> tensor<2x?xf16>
  %0 = llmc.neg %x : (tensor<2x?xf16>) -> tensor<2x?xf16>
  // CHECK: llmc.sign %{{.*}} : (tensor<2x?xf16>) -> tensor<2x?xf16>
  %1 = llmc.sign %x : (tensor<2x?xf16>) -> tensor<2x?xf16>
  // CHECK: llmc.relu %{{.*}} : (tensor<2x?xf16>) -> tensor<2x?xf16>
  %2 = llmc.relu %x : (tensor<2x?xf16>) -> tensor<2x?xf16>
  // CHECK: llmc.floor %{{.*}} : (tensor<2x?xf16>) -> tensor<2x?xf16>
  %3 = llmc.floor %x : (tensor<2x?xf16>) -> tensor<2x?xf16>
  // CHECK: llmc.ceil %{{.*}} : (tensor<2x?xf16>) -> tensor<2x?xf16>
  %4 = llmc.ceil %x : (tensor<2x?xf16>) -> tensor<2x?xf16>
  // CHECK: llmc.round %{{.*}} : (tensor<2x?xf16>) -> tensor<2x?xf16>
  %5 = llmc.round %x : (tensor<2x?xf16>) -> tensor<2x?xf16>
  // CHECK: llmc.sqrt %{{.*}} : (tensor<2x?xf16>) -> tensor<2x?xf16>
  %6 = llmc.sqrt %x : (tensor<2x?xf16>) -> tensor<2x?xf16>
  // CHECK: llmc.reciprocal %{{.*}} : (tensor<2x?xf16>) -> tensor<2x?xf16>
  %7 = llmc.reciprocal %x : (tensor<2x?xf16>) -> tensor<2x?xf16>
  // CHECK: llmc.log %{{.*}} : (tensor<2x?xf16>) -> tensor<2x?xf16>
  %8 = llmc.log %x : (tensor<2x?xf16>) -> tensor<2x?xf16>
  // CHECK: llmc.sin %{{.*}} : (tensor<2x?xf16>) -> tensor<2x?xf16>
  %9 = llmc.sin %x : (tensor<2x?xf16>) -> tensor<2x?xf16>
  // CHECK: llmc.cos %{{.*}} : (tensor<2x?xf16>) -> tensor<2x?xf16>
  %10 = llmc.cos %x : (tensor<2x?xf16>) -> tensor<2x?xf16>
  // CHECK: llmc.tan %{{.*}} : (tensor<2x?xf16>) -> tensor<2x?xf16>
  %11 = llmc.tan %x : (tensor<2x?xf16>) -> tensor<2x?xf16>
  // CHECK: llmc.asin %{{.*}} : (tensor<2x?xf16>) -> tensor<2x?xf16>
  %12 = llmc.asin %x : (tensor<2x?xf16>) -> tensor<2x?xf16>
  // CHECK: llmc.acos %{{.*}} : (tensor<2x?xf16>) -> tensor<2x?xf16>
  %13 = llmc.acos %x : (tensor<2x?xf16>) -> tensor<2x?xf16>
  // CHECK: llmc.atan %{{.*}} : (tensor<2x?xf16>) -> tensor<2x?xf16>
  %14 = llmc.atan %x : (tensor<2x?xf16>) -> tensor<2x?xf16>
  // CHECK: llmc.sinh %{{.*}} : (tensor<2x?xf16>) -> tensor<2x?xf16>
  %15 = llmc.sinh %x : (tensor<2x?xf16>) -> tensor<2x?xf16>
  // CHECK: llmc.cosh %{{.*}} : (tensor<2x?xf16>) -> tensor<2x?xf16>
  %16 = llmc.cosh %x : (tensor<2x?xf16>) -> tensor<2x?xf16>
  // CHECK: llmc.tanh %{{.*}} : (tensor<2x?xf16>) -> tensor<2x?xf16>
  %17 = llmc.tanh %x : (tensor<2x?xf16>) -> tensor<2x?xf16>
  // CHECK: llmc.asinh %{{.*}} : (tensor<2x?xf16>) -> tensor<2x?xf16>
  %18 = llmc.asinh %x : (tensor<2x?xf16>) -> tensor<2x?xf16>
  // CHECK: llmc.acosh %{{.*}} : (tensor<2x?xf16>) -> tensor<2x?xf16>
  %19 = llmc.acosh %x : (tensor<2x?xf16>) -> tensor<2x?xf16>
  // CHECK: llmc.atanh %{{.*}} : (tensor<2x?xf16>) -> tensor<2x?xf16>
  %20 = llmc.atanh %x : (tensor<2x?xf16>) -> tensor<2x?xf16>
  // CHECK: llmc.sigmoid %{{.*}} : (tensor<2x?xf16>) -> tensor<2x?xf16>
  %21 = llmc.sigmoid %x : (tensor<2x?xf16>) -> tensor<2x?xf16>
  // CHECK: llmc.is_nan %{{.*}} : (tensor<2x?xf16>) -> tensor<2x?xi1>
  %22 = llmc.is_nan %x : (tensor<2x?xf16>) -> tensor<2x?xi1>
  // CHECK: llmc.is_inf %{{.*}} {detect_positive = false}
  %23 = llmc.is_inf %x {detect_positive = false} : (tensor<2x?xf16>) -> tensor<2x?xi1>
  // CHECK: llmc.bit_cast %{{.*}} {to = i8} : (tensor<3xui8>) -> tensor<3xi8>
  %24 = llmc.bit_cast %i {to = i8} : (tensor<3xui8>) -> tensor<3xi8>
  // CHECK: llmc.cast %{{.*}} {saturate = false, to = f8E4M3FN} : (tensor<2x?xf16>) -> tensor<2x?xf8E4M3FN>
  %25 = llmc.cast %x {to = f8E4M3FN, saturate = false} : (tensor<2x?xf16>) -> tensor<2x?xf8E4M3FN>
  // CHECK: llmc.cast %{{.*}} {round_mode = "down", to = f8E8M0FNU} : (tensor<2x?xf16>) -> tensor<2x?xf8E8M0FNU>
  %26 = llmc.cast %x {to = f8E8M0FNU, round_mode = "down"} : (tensor<2x?xf16>) -> tensor<2x?xf8E8M0FNU>
  return
}

// CHECK-LABEL: @operators
func.func @operators(%x: tensor<2x1xi32>, %y: tensor<3xi32>, %a: tensor<2x1xi1>, %b: tensor<3xi1>, %m: tensor<?x3x3xf32>) {
  // CHECK: llmc.sub %{{.*}}, %{{.*}} : (tensor<2x1xi32>, tensor<3xi32>) -> tensor<2x3xi32>
  %0 = llmc.sub %x, %y : (tensor<2x1xi32>, tensor<3xi32>) -> tensor<2x3xi32>
  // CHECK: llmc.mul %{{.*}}, %{{.*}} : (tensor<2x1xi32>, tensor<3xi32>) -> tensor<2x3xi32>
  %1 = llmc.mul %x, %y : (tensor<2x1xi32>, tensor<3xi32>) -> tensor<2x3xi32>
  // CHECK: llmc.div %{{.*}}, %{{.*}} : (tensor<2x1xi32>, tensor<3xi32>) -> tensor<2x3xi32>
  %2 = llmc.div %x, %y : (tensor<2x1xi32>, tensor<3xi32>) -> tensor<2x3xi32>
  // CHECK: llmc.max %{{.*}}, %{{.*}} : (tensor<2x1xi32>, tensor<3xi32>) -> tensor<2x3xi32>
  %3 = llmc.max %x, %y : (tensor<2x1xi32>, tensor<3xi32>) -> tensor<2x3xi32>
  // CHECK: llmc.min %{{.*}}, %{{.*}} : (tensor<2x1xi32>, tensor<3xi32>) -> tensor<2x3xi32>
  %4 = llmc.min %x, %y : (tensor<2x1xi32>, tensor<3xi32>) -> tensor<2x3xi32>
  // CHECK: llmc.bitwise_and %{{.*}}, %{{.*}} : (tensor<2x1xi32>, tensor<3xi32>) -> tensor<2x3xi32>
  %5 = llmc.bitwise_and %x, %y : (tensor<2x1xi32>, tensor<3xi32>) -> tensor<2x3xi32>
  // CHECK: llmc.bitwise_or %{{.*}}, %{{.*}} : (tensor<2x1xi32>, tensor<3xi32>) -> tensor<2x3xi32>
  %6 = llmc.bitwise_or %x, %y : (tensor<2x1xi32>, tensor<3xi32>) -> tensor<2x3xi32>
  // CHECK: llmc.bitwise_xor %{{.*}}, %{{.*}} : (tensor<2x1xi32>, tensor<3xi32>) -> tensor<2x3xi32>
  %7 = llmc.bitwise_xor %x, %y : (tensor<2x1xi32>, tensor<3xi32>) -> tensor<2x3xi32>
  // CHECK: llmc.equal %{{.*}}, %{{.*}} : (tensor<2x1xi32>, tensor<3xi32>) -> tensor<2x3xi1>
  %8 = llmc.equal %x, %y : (tensor<2x1xi32>, tensor<3xi32>) -> tensor<2x3xi1>
  // CHECK: llmc.less %{{.*}}, %{{.*}} : (tensor<2x1xi32>, tensor<3xi32>) -> tensor<2x3xi1>
  %9 = llmc.less %x, %y : (tensor<2x1xi32>, tensor<3xi32>) -> tensor<2x3xi1>
  // CHECK: llmc.greater %{{.*}}, %{{.*}} : (tensor<2x1xi32>, tensor<3xi32>) -> tensor<2x3xi1>
  %10 = llmc.greater %x, %y : (tensor<2x1xi32>, tensor<3xi32>) -> tensor<2x3xi1>
  // CHECK: llmc.greater_or_equal %{{.*}}, %{{.*}} : (tensor<2x1xi32>, tensor<3xi32>) -> tensor<2x3xi1>
  %11 = llmc.greater_or_equal %x, %y : (tensor<2x1xi32>, tensor<3xi32>) -> tensor<2x3xi1>
  // CHECK: llmc.and %{{.*}}, %{{.*}} : (tensor<2x1xi1>, tensor<3xi1>) -> tensor<2x3xi1>
  %12 = llmc.and %a, %b : (tensor<2x1xi1>, tensor<3xi1>) -> tensor<2x3xi1>
  // CHECK: llmc.or %{{.*}}, %{{.*}} : (tensor<2x1xi1>, tensor<3xi1>) -> tensor<2x3xi1>
  %13 = llmc.or %a, %b : (tensor<2x1xi1>, tensor<3xi1>) -> tensor<2x3xi1>
  // CHECK: llmc.xor %{{.*}}, %{{.*}} : (tensor<2x1xi1>, tensor<3xi1>) -> tensor<2x3xi1>
  %14 = llmc.xor %a, %b : (tensor<2x1xi1>, tensor<3xi1>) -> tensor<2x3xi1>
  // CHECK: llmc.det %{{.*}} : (tensor<?x3x3xf32>) -> tensor<?xf32>
  %15 = llmc.det %m : (tensor<?x3x3xf32>) -> tensor<?xf32>
  return
}
