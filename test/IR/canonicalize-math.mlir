// What is computed of small constants. Integers wrap to their type, floats
// round to theirs.
// RUN: llmc-opt %s --canonicalize | FileCheck %s

// CHECK-LABEL: @unary_floats
func.func @unary_floats() -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>,
                              tensor<4xf32>, tensor<4xf32>, tensor<4xi1>, tensor<4xi1>) {
  // Half to even, and NaN (0x7FC00000) stays NaN.
  // CHECK-DAG: %[[ABS:.*]] = llmc.constant dense<[5.000000e-01, 1.500000e+00, 0x7FC00000, 0x7F800000]> : tensor<4xf32>
  // CHECK-DAG: %[[NEG:.*]] = llmc.constant dense<[5.000000e-01, -1.500000e+00, 0xFFC00000, 0x7F800000]>
  // CHECK-DAG: %[[SIGN:.*]] = llmc.constant dense<[-1.000000e+00, 1.000000e+00, 0.000000e+00, -1.000000e+00]>
  // CHECK-DAG: %[[RELU:.*]] = llmc.constant dense<[0.000000e+00, 1.500000e+00, 0x7FC00000, 0.000000e+00]>
  // CHECK-DAG: %[[FLOOR:.*]] = llmc.constant dense<[-1.000000e+00, 1.000000e+00, 0x7FC00000, 0xFF800000]>
  // CHECK-DAG: %[[UP:.*]] = llmc.constant dense<[-0.000000e+00, 2.000000e+00, 0x7FC00000, 0xFF800000]>
  // CHECK-DAG: %[[RECIPROCAL:.*]] = llmc.constant dense<[-2.000000e+00, 0.666666686, 0x7FC00000, -0.000000e+00]>
  // CHECK-DAG: %[[NAN:.*]] = llmc.constant dense<[false, false, true, false]> : tensor<4xi1>
  // CHECK-DAG: %[[INF:.*]] = llmc.constant dense<false> : tensor<4xi1>
  // CHECK: return %[[ABS]], %[[NEG]], %[[SIGN]], %[[RELU]], %[[FLOOR]], %[[UP]], %[[UP]], %[[RECIPROCAL]], %[[NAN]], %[[INF]]
  %x = llmc.constant dense<[-0.5, 1.5, 0x7FC00000, 0xFF800000]> : tensor<4xf32>
  %0 = llmc.abs %x : (tensor<4xf32>) -> tensor<4xf32>
  %1 = llmc.neg %x : (tensor<4xf32>) -> tensor<4xf32>
  %2 = llmc.sign %x : (tensor<4xf32>) -> tensor<4xf32>
  %3 = llmc.relu %x : (tensor<4xf32>) -> tensor<4xf32>
  %4 = llmc.floor %x : (tensor<4xf32>) -> tensor<4xf32>
  %5 = llmc.ceil %x : (tensor<4xf32>) -> tensor<4xf32>
  %6 = llmc.round %x : (tensor<4xf32>) -> tensor<4xf32>
  %7 = llmc.reciprocal %x : (tensor<4xf32>) -> tensor<4xf32>
  %8 = llmc.is_nan %x : (tensor<4xf32>) -> tensor<4xi1>
  %9 = llmc.is_inf %x {detect_negative = false} : (tensor<4xf32>) -> tensor<4xi1>
  return %0, %1, %2, %3, %4, %5, %6, %7, %8, %9 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>,
    tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xi1>, tensor<4xi1>
}

// math.exp(.5), log, sqrt, sin, cos, tanh, erf and 1 / (1 + exp(-x)) of
// Python, as numpy.float32.
// CHECK-LABEL: @functions
func.func @functions() -> (tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>,
                           tensor<f32>) {
  // CHECK-DAG: %[[EXP:.*]] = llmc.constant dense<1.64872122> : tensor<f32>
  // CHECK-DAG: %[[LOG:.*]] = llmc.constant dense<-0.693147182>
  // CHECK-DAG: %[[SQRT:.*]] = llmc.constant dense<0.707106769>
  // CHECK-DAG: %[[SIN:.*]] = llmc.constant dense<0.47942555>
  // CHECK-DAG: %[[COS:.*]] = llmc.constant dense<0.87758255>
  // CHECK-DAG: %[[TANH:.*]] = llmc.constant dense<0.462117165>
  // CHECK-DAG: %[[ERF:.*]] = llmc.constant dense<0.520499885>
  // CHECK-DAG: %[[SIGMOID:.*]] = llmc.constant dense<0.622459352>
  // CHECK: return %[[EXP]], %[[LOG]], %[[SQRT]], %[[SIN]], %[[COS]], %[[TANH]], %[[ERF]], %[[SIGMOID]]
  %x = llmc.constant dense<0.5> : tensor<f32>
  %0 = llmc.exp %x : (tensor<f32>) -> tensor<f32>
  %1 = llmc.log %x : (tensor<f32>) -> tensor<f32>
  %2 = llmc.sqrt %x : (tensor<f32>) -> tensor<f32>
  %3 = llmc.sin %x : (tensor<f32>) -> tensor<f32>
  %4 = llmc.cos %x : (tensor<f32>) -> tensor<f32>
  %5 = llmc.tanh %x : (tensor<f32>) -> tensor<f32>
  %6 = llmc.erf %x : (tensor<f32>) -> tensor<f32>
  %7 = llmc.sigmoid %x : (tensor<f32>) -> tensor<f32>
  return %0, %1, %2, %3, %4, %5, %6, %7 : tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>,
    tensor<f32>, tensor<f32>
}

// -(-128) does not fit i8, and -(-2^63) no integer of 64 bits.
// CHECK-LABEL: @unary_integers
func.func @unary_integers() -> (tensor<2xi8>, tensor<2xi64>, tensor<2xi64>, tensor<2xi8>, tensor<2xui8>, tensor<2xi1>,
                                tensor<2xi8>) {
  %i = llmc.constant dense<[-128, 5]> : tensor<2xi8>
  %l = llmc.constant dense<[-9223372036854775808, 5]> : tensor<2xi64>
  %u = llmc.constant dense<[255, 1]> : tensor<2xui8>
  %b = llmc.constant dense<[true, false]> : tensor<2xi1>
  // CHECK-DAG: %[[NEG:.*]] = llmc.constant dense<[-128, -5]> : tensor<2xi8>
  %0 = llmc.neg %i : (tensor<2xi8>) -> tensor<2xi8>
  // CHECK-DAG: %[[LONG:.*]] = llmc.constant dense<[-9223372036854775808, -5]> : tensor<2xi64>
  %1 = llmc.neg %l : (tensor<2xi64>) -> tensor<2xi64>
  // CHECK-DAG: %[[ABS:.*]] = llmc.constant dense<[-9223372036854775808, 5]> : tensor<2xi64>
  %2 = llmc.abs %l : (tensor<2xi64>) -> tensor<2xi64>
  // CHECK-DAG: %[[SIGN:.*]] = llmc.constant dense<[-1, 1]> : tensor<2xi8>
  %3 = llmc.sign %i : (tensor<2xi8>) -> tensor<2xi8>
  // CHECK-DAG: %[[NOT:.*]] = llmc.constant dense<[0, 254]> : tensor<2xui8>
  %4 = llmc.bitwise_not %u : (tensor<2xui8>) -> tensor<2xui8>
  // CHECK-DAG: %[[BOOL:.*]] = llmc.constant dense<[false, true]> : tensor<2xi1>
  %5 = llmc.not %b : (tensor<2xi1>) -> tensor<2xi1>
  // CHECK-DAG: %[[RELU:.*]] = llmc.constant dense<[0, 5]> : tensor<2xi8>
  %6 = llmc.relu %i : (tensor<2xi8>) -> tensor<2xi8>
  // CHECK: return %[[NEG]], %[[LONG]], %[[ABS]], %[[SIGN]], %[[NOT]], %[[BOOL]], %[[RELU]]
  return %0, %1, %2, %3, %4, %5, %6 : tensor<2xi8>, tensor<2xi64>, tensor<2xi64>, tensor<2xi8>, tensor<2xui8>, tensor<2xi1>,
    tensor<2xi8>
}

// CHECK-LABEL: @binary_integers
func.func @binary_integers() -> (tensor<2xi32>, tensor<2xi64>, tensor<2xi64>, tensor<4xi32>, tensor<4xi32>, tensor<4xi32>,
                                 tensor<2x2xi32>, tensor<2xui8>, tensor<i64>) {
  // 2147483647 + 1 wraps.
  %big = llmc.constant dense<[2147483647, 1]> : tensor<2xi32>
  %one = llmc.constant dense<1> : tensor<i32>
  // CHECK-DAG: %[[ADD:.*]] = llmc.constant dense<[-2147483648, 2]> : tensor<2xi32>
  %0 = llmc.add %big, %one : (tensor<2xi32>, tensor<i32>) -> tensor<2xi32>
  %long = llmc.constant dense<[9223372036854775807, -9223372036854775808]> : tensor<2xi64>
  %minus = llmc.constant dense<-1> : tensor<1xi64>
  // CHECK-DAG: %[[SUB:.*]] = llmc.constant dense<[-9223372036854775808, -9223372036854775807]> : tensor<2xi64>
  %1 = llmc.sub %long, %minus : (tensor<2xi64>, tensor<1xi64>) -> tensor<2xi64>
  // The one quotient that overflows traps in hardware.
  // CHECK-DAG: %[[DIV:.*]] = llmc.constant dense<[-9223372036854775807, -9223372036854775808]> : tensor<2xi64>
  %2 = llmc.div %long, %minus : (tensor<2xi64>, tensor<1xi64>) -> tensor<2xi64>
  // Division truncates, the remainder has the divisor's or with fmod the
  // dividend's sign.
  %a = llmc.constant dense<[7, -7, 7, -7]> : tensor<4xi32>
  %b = llmc.constant dense<[2, 2, -2, -2]> : tensor<4xi32>
  // CHECK-DAG: %[[TRUNC:.*]] = llmc.constant dense<[3, -3, -3, 3]> : tensor<4xi32>
  %3 = llmc.div %a, %b : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi32>
  // CHECK-DAG: %[[MOD:.*]] = llmc.constant dense<[1, 1, -1, -1]> : tensor<4xi32>
  %4 = llmc.mod %a, %b : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi32>
  // CHECK-DAG: %[[FMOD:.*]] = llmc.constant dense<[1, -1, 1, -1]> : tensor<4xi32>
  %5 = llmc.mod %a, %b {fmod} : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi32>
  // CHECK-DAG: %[[MUL:.*]] = llmc.constant dense<{{\[}}[-2, 2147483647], [-4, -2]]> : tensor<2x2xi32>
  %rows = llmc.constant dense<[[1], [2]]> : tensor<2x1xi32>
  %columns = llmc.constant dense<[-2, 2147483647]> : tensor<2xi32>
  %6 = llmc.mul %rows, %columns : (tensor<2x1xi32>, tensor<2xi32>) -> tensor<2x2xi32>
  // CHECK-DAG: %[[UNSIGNED:.*]] = llmc.constant dense<[255, 4]> : tensor<2xui8>
  %u = llmc.constant dense<[0, 5]> : tensor<2xui8>
  %v = llmc.constant dense<1> : tensor<2xui8>
  %7 = llmc.sub %u, %v : (tensor<2xui8>, tensor<2xui8>) -> tensor<2xui8>
  // CHECK-DAG: %[[POW:.*]] = llmc.constant dense<-27> : tensor<i64>
  %base = llmc.constant dense<-3> : tensor<i64>
  %exponent = llmc.constant dense<3> : tensor<i64>
  %8 = llmc.pow %base, %exponent : (tensor<i64>, tensor<i64>) -> tensor<i64>
  // CHECK: return %[[ADD]], %[[SUB]], %[[DIV]], %[[TRUNC]], %[[MOD]], %[[FMOD]], %[[MUL]], %[[UNSIGNED]], %[[POW]]
  return %0, %1, %2, %3, %4, %5, %6, %7, %8 : tensor<2xi32>, tensor<2xi64>, tensor<2xi64>, tensor<4xi32>, tensor<4xi32>,
    tensor<4xi32>, tensor<2x2xi32>, tensor<2xui8>, tensor<i64>
}

// CHECK-LABEL: @logic
func.func @logic() -> (tensor<4xi1>, tensor<4xi1>, tensor<4xi1>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>) {
  %a = llmc.constant dense<[false, false, true, true]> : tensor<4xi1>
  %b = llmc.constant dense<[false, true, false, true]> : tensor<4xi1>
  // CHECK-DAG: %[[AND:.*]] = llmc.constant dense<[false, false, false, true]>
  %0 = llmc.and %a, %b : (tensor<4xi1>, tensor<4xi1>) -> tensor<4xi1>
  // CHECK-DAG: %[[OR:.*]] = llmc.constant dense<[false, true, true, true]>
  %1 = llmc.or %a, %b : (tensor<4xi1>, tensor<4xi1>) -> tensor<4xi1>
  // CHECK-DAG: %[[XOR:.*]] = llmc.constant dense<[false, true, true, false]>
  %2 = llmc.xor %a, %b : (tensor<4xi1>, tensor<4xi1>) -> tensor<4xi1>
  %i = llmc.constant dense<[12, -1]> : tensor<2xi8>
  %j = llmc.constant dense<[10, 7]> : tensor<2xi8>
  // CHECK-DAG: %[[BITAND:.*]] = llmc.constant dense<[8, 7]> : tensor<2xi8>
  %3 = llmc.bitwise_and %i, %j : (tensor<2xi8>, tensor<2xi8>) -> tensor<2xi8>
  // CHECK-DAG: %[[BITOR:.*]] = llmc.constant dense<[14, -1]> : tensor<2xi8>
  %4 = llmc.bitwise_or %i, %j : (tensor<2xi8>, tensor<2xi8>) -> tensor<2xi8>
  // CHECK-DAG: %[[BITXOR:.*]] = llmc.constant dense<[6, -8]> : tensor<2xi8>
  %5 = llmc.bitwise_xor %i, %j : (tensor<2xi8>, tensor<2xi8>) -> tensor<2xi8>
  // CHECK: return %[[AND]], %[[OR]], %[[XOR]], %[[BITAND]], %[[BITOR]], %[[BITXOR]]
  return %0, %1, %2, %3, %4, %5 : tensor<4xi1>, tensor<4xi1>, tensor<4xi1>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>
}

// Nothing compares with NaN, but Max and Min keep it.
// CHECK-LABEL: @floats
func.func @floats() -> (tensor<2xf32>, tensor<2xf32>, tensor<2xi1>, tensor<2xi1>, tensor<2xi1>, tensor<2xi1>, tensor<2xi1>,
                        tensor<2xf32>, tensor<2xf32>, tensor<f16>) {
  %x = llmc.constant dense<[0x7FC00000, 2.0]> : tensor<2xf32>
  %y = llmc.constant dense<[1.0, 2.0]> : tensor<2xf32>
  // CHECK-DAG: %[[EXTREMUM:.*]] = llmc.constant dense<[0x7FC00000, 2.000000e+00]> : tensor<2xf32>
  %0 = llmc.max %x, %y : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %1 = llmc.min %y, %x : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  // CHECK-DAG: %[[LAST:.*]] = llmc.constant dense<[false, true]> : tensor<2xi1>
  // CHECK-DAG: %[[NONE:.*]] = llmc.constant dense<false> : tensor<2xi1>
  %2 = llmc.equal %x, %y : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xi1>
  %3 = llmc.less %x, %y : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xi1>
  %4 = llmc.less_or_equal %x, %y : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xi1>
  %5 = llmc.greater %x, %y : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xi1>
  %6 = llmc.greater_or_equal %x, %y : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xi1>
  // Division of floats by zero is defined.
  %zero = llmc.constant dense<0.0> : tensor<f32>
  // CHECK-DAG: %[[INF:.*]] = llmc.constant dense<0x7F800000> : tensor<2xf32>
  %7 = llmc.div %y, %zero : (tensor<2xf32>, tensor<f32>) -> tensor<2xf32>
  %i = llmc.constant dense<[-1, 2]> : tensor<2xi64>
  // CHECK-DAG: %[[POW:.*]] = llmc.constant dense<[1.000000e+00, 4.000000e+00]> : tensor<2xf32>
  %8 = llmc.pow %y, %i : (tensor<2xf32>, tensor<2xi64>) -> tensor<2xf32>
  // 2049 is no f16.
  %h = llmc.constant dense<2048.0> : tensor<f16>
  %one = llmc.constant dense<1.0> : tensor<f16>
  // CHECK-DAG: %[[HALF:.*]] = llmc.constant dense<2.048000e+03> : tensor<f16>
  %9 = llmc.add %h, %one : (tensor<f16>, tensor<f16>) -> tensor<f16>
  // CHECK: return %[[EXTREMUM]], %[[EXTREMUM]], %[[LAST]], %[[NONE]], %[[LAST]], %[[NONE]], %[[LAST]], %[[INF]], %[[POW]], %[[HALF]]
  return %0, %1, %2, %3, %4, %5, %6, %7, %8, %9 : tensor<2xf32>, tensor<2xf32>, tensor<2xi1>, tensor<2xi1>, tensor<2xi1>,
    tensor<2xi1>, tensor<2xi1>, tensor<2xf32>, tensor<2xf32>, tensor<f16>
}

// CHECK-LABEL: @choices
func.func @choices() -> (tensor<2x2xf32>, tensor<2xui8>, tensor<2xi1>, tensor<2xi64>, tensor<f32>) {
  %c = llmc.constant dense<[[true], [false]]> : tensor<2x1xi1>
  %x = llmc.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %y = llmc.constant dense<-1.0> : tensor<f32>
  // CHECK-DAG: %[[WHERE:.*]] = llmc.constant dense<{{\[}}[1.000000e+00, 2.000000e+00], [-1.000000e+00, -1.000000e+00]]>
  %0 = llmc.where %c, %x, %y : (tensor<2x1xi1>, tensor<2xf32>, tensor<f32>) -> tensor<2x2xf32>
  %i = llmc.constant dense<[-1, 256]> : tensor<2xi32>
  // CHECK-DAG: %[[NARROW:.*]] = llmc.constant dense<[255, 0]> : tensor<2xui8>
  %1 = llmc.cast %i {to = ui8} : (tensor<2xi32>) -> tensor<2xui8>
  // CHECK-DAG: %[[BOOL:.*]] = llmc.constant dense<true> : tensor<2xi1>
  %2 = llmc.cast %i {to = i1} : (tensor<2xi32>) -> tensor<2xi1>
  %f = llmc.constant dense<[-1.9, 3.9]> : tensor<2xf32>
  // CHECK-DAG: %[[TRUNC:.*]] = llmc.constant dense<[-1, 3]> : tensor<2xi64>
  %3 = llmc.cast %f {to = i64} : (tensor<2xf32>) -> tensor<2xi64>
  // Rounded once: by way of a double this is 7.20575940E+16.
  %l = llmc.constant dense<72057598332895233> : tensor<i64>
  // CHECK-DAG: %[[LONG:.*]] = llmc.constant dense<7.205760e+16> : tensor<f32>
  %4 = llmc.cast %l {to = f32} : (tensor<i64>) -> tensor<f32>
  // CHECK: return %[[WHERE]], %[[NARROW]], %[[BOOL]], %[[TRUNC]], %[[LONG]]
  return %0, %1, %2, %3, %4 : tensor<2x2xf32>, tensor<2xui8>, tensor<2xi1>, tensor<2xi64>, tensor<f32>
}

// CHECK-LABEL: @reductions
func.func @reductions() -> (tensor<1x2xi8>, tensor<2xi64>, tensor<2x1xf32>, tensor<f32>, tensor<2x2xi8>) {
  %x = llmc.constant dense<[[100, 2], [100, -3]]> : tensor<2x2xi8>
  // CHECK-DAG: %[[SUM:.*]] = llmc.constant dense<{{\[}}[-56, -1]]> : tensor<1x2xi8>
  %0 = llmc.reduce sum %x {axes = array<i64: 0>} : (tensor<2x2xi8>) -> tensor<1x2xi8>
  %l = llmc.constant dense<[[4611686018427387904, 4], [3, 5]]> : tensor<2x2xi64>
  // CHECK-DAG: %[[PROD:.*]] = llmc.constant dense<[0, 15]> : tensor<2xi64>
  %1 = llmc.reduce prod %l {axes = array<i64: 1>, keepdims = false} : (tensor<2x2xi64>) -> tensor<2xi64>
  %f = llmc.constant dense<[[1.0, 2.0], [0x7FC00000, 3.0]]> : tensor<2x2xf32>
  // CHECK-DAG: %[[MAX:.*]] = llmc.constant dense<{{\[}}[2.000000e+00], [0x7FC00000]]> : tensor<2x1xf32>
  %2 = llmc.reduce max %f {axes = array<i64: 1>} : (tensor<2x2xf32>) -> tensor<2x1xf32>
  // CHECK-DAG: %[[MIN:.*]] = llmc.constant dense<0x7FC00000> : tensor<f32>
  %3 = llmc.reduce min %f {axes = array<i64: 0, 1>, keepdims = false} : (tensor<2x2xf32>) -> tensor<f32>
  // CHECK-DAG: %[[SAME:.*]] = llmc.constant dense<{{\[}}[100, 2], [100, -3]]> : tensor<2x2xi8>
  %4 = llmc.reduce sum %x {axes = array<i64>} : (tensor<2x2xi8>) -> tensor<2x2xi8>
  // CHECK: return %[[SUM]], %[[PROD]], %[[MAX]], %[[MIN]], %[[SAME]]
  return %0, %1, %2, %3, %4 : tensor<1x2xi8>, tensor<2xi64>, tensor<2x1xf32>, tensor<f32>, tensor<2x2xi8>
}

// Results that are not defined, that depend on the order of additions, or of
// types that folding does not compute in.
// CHECK-LABEL: @kept
func.func @kept() -> (tensor<2xi32>, tensor<2xi32>, tensor<i64>, tensor<2xi8>, tensor<i32>, tensor<i8>, tensor<f32>, tensor<i32>,
                      tensor<f32>, tensor<ui64>, tensor<f8E4M3FN>, tensor<2x1xf32>, tensor<0xi32>) {
  %x = llmc.constant dense<[1, 2]> : tensor<2xi32>
  %zero = llmc.constant dense<[0, 1]> : tensor<2xi32>
  // CHECK: %[[DIV:.*]] = llmc.div
  %0 = llmc.div %x, %zero : (tensor<2xi32>, tensor<2xi32>) -> tensor<2xi32>
  // CHECK: %[[MOD:.*]] = llmc.mod
  %1 = llmc.mod %x, %zero : (tensor<2xi32>, tensor<2xi32>) -> tensor<2xi32>
  %base = llmc.constant dense<2> : tensor<i64>
  %minus = llmc.constant dense<-1> : tensor<i64>
  // CHECK: %[[POW:.*]] = llmc.pow
  %2 = llmc.pow %base, %minus : (tensor<i64>, tensor<i64>) -> tensor<i64>
  %big = llmc.constant dense<[1.0, 128.0]> : tensor<2xf32>
  // CHECK: %[[BIG:.*]] = llmc.cast
  %3 = llmc.cast %big {to = i8} : (tensor<2xf32>) -> tensor<2xi8>
  %nan = llmc.constant dense<0x7FC00000> : tensor<f32>
  // CHECK: %[[NAN:.*]] = llmc.cast
  %4 = llmc.cast %nan {to = i32} : (tensor<f32>) -> tensor<i32>
  %inf = llmc.constant dense<0x7F800000> : tensor<f32>
  // CHECK: %[[INF:.*]] = llmc.cast
  %5 = llmc.cast %inf {to = i8} : (tensor<f32>) -> tensor<i8>
  // CHECK: %[[SUM:.*]] = llmc.reduce sum
  %6 = llmc.reduce sum %big {axes = array<i64: 0>, keepdims = false} : (tensor<2xf32>) -> tensor<f32>
  // CHECK: %[[MEAN:.*]] = llmc.reduce mean
  %7 = llmc.reduce mean %x {axes = array<i64: 0>, keepdims = false} : (tensor<2xi32>) -> tensor<i32>
  %nothing = llmc.constant dense<> : tensor<0xf32>
  // CHECK: %[[EMPTY:.*]] = llmc.reduce max
  %8 = llmc.reduce max %nothing {axes = array<i64: 0>, keepdims = false} : (tensor<0xf32>) -> tensor<f32>
  %u = llmc.constant dense<18446744073709551615> : tensor<ui64>
  // CHECK: %[[UNSIGNED:.*]] = llmc.add
  %9 = llmc.add %u, %u : (tensor<ui64>, tensor<ui64>) -> tensor<ui64>
  %small = llmc.constant dense<1.0> : tensor<f8E4M3FN>
  // CHECK: %[[SMALL:.*]] = llmc.neg
  %10 = llmc.neg %small : (tensor<f8E4M3FN>) -> tensor<f8E4M3FN>
  %m = llmc.constant dense<1.0> : tensor<2x2xf32>
  %v = llmc.constant dense<1.0> : tensor<2x1xf32>
  // CHECK: %[[MATMUL:.*]] = llmc.matmul
  %11 = llmc.matmul %m, %v : (tensor<2x2xf32>, tensor<2x1xf32>) -> tensor<2x1xf32>
  %none = llmc.constant dense<> : tensor<0xi32>
  // CHECK: %[[NONE:.*]] = llmc.add
  %12 = llmc.add %none, %none : (tensor<0xi32>, tensor<0xi32>) -> tensor<0xi32>
  // CHECK: return %[[DIV]], %[[MOD]], %[[POW]], %[[BIG]], %[[NAN]], %[[INF]], %[[SUM]], %[[MEAN]], %[[EMPTY]], %[[UNSIGNED]], %[[SMALL]], %[[MATMUL]], %[[NONE]]
  return %0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12 : tensor<2xi32>, tensor<2xi32>, tensor<i64>, tensor<2xi8>,
    tensor<i32>, tensor<i8>, tensor<f32>, tensor<i32>, tensor<f32>, tensor<ui64>, tensor<f8E4M3FN>, tensor<2x1xf32>, tensor<0xi32>
}
