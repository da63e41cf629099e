// Parameters are never folded, whatever is computed of them, and a
// dequantization after a quantization keeps the error it was made for.
// RUN: llmc-opt %s --canonicalize --cse | FileCheck %s

llmc.param @w = dense<[1.0, 2.0]> : tensor<2xf32>
llmc.param @q = dense<0> : tensor<1x1x8xui8>
llmc.param @s = dense<1.0> : tensor<1x1xf32>
llmc.param @packed = dense<[16, 3]> : tensor<2xui8>

// CHECK-LABEL: @params
func.func @params() -> (tensor<2xf32>, tensor<1x16xf32>, tensor<4xi4>) {
  // CHECK-DAG: %[[W:.*]] = llmc.weight @w
  // CHECK-DAG: %[[ONE:.*]] = llmc.constant
  // CHECK: %[[SUM:.*]] = llmc.add %[[W]], %[[ONE]]
  %w = llmc.weight @w : tensor<2xf32>
  %one = llmc.constant dense<1.0> : tensor<f32>
  %0 = llmc.add %w, %one : (tensor<2xf32>, tensor<f32>) -> tensor<2xf32>
  // CHECK: %[[D:.*]] = llmc.dequantize
  %q = llmc.weight @q : tensor<1x1x8xui8>
  %s = llmc.weight @s : tensor<1x1xf32>
  %1 = llmc.dequantize %q, %s {bits = 4, block = 16, columns = 16} : (tensor<1x1x8xui8>, tensor<1x1xf32>) -> tensor<1x16xf32>
  // CHECK: %[[U:.*]] = llmc.unpack
  %p = llmc.weight @packed : tensor<2xui8>
  %2 = llmc.unpack %p {to = i4, shape = array<i64: 4>} : (tensor<2xui8>) -> tensor<4xi4>
  // CHECK: return %[[SUM]], %[[D]], %[[U]]
  return %0, %1, %2 : tensor<2xf32>, tensor<1x16xf32>, tensor<4xi4>
}

// Not even of constants: the expression says how the weight is stored.
// CHECK-LABEL: @constant_dequantize
func.func @constant_dequantize() -> tensor<1x16xf32> {
  %q = llmc.constant dense<0> : tensor<1x1x8xui8>
  %s = llmc.constant dense<1.0> : tensor<1x1xf32>
  // CHECK: llmc.dequantize
  %0 = llmc.dequantize %q, %s {bits = 4, block = 16, columns = 16} : (tensor<1x1x8xui8>, tensor<1x1xf32>) -> tensor<1x16xf32>
  return %0 : tensor<1x16xf32>
}

// CHECK-LABEL: @constant_lookup
func.func @constant_lookup() -> tensor<1x16xf32> {
  %q = llmc.constant dense<0> : tensor<1x1x8xui8>
  %c = llmc.constant dense<1.0> : tensor<16xf32>
  // CHECK: llmc.lookup
  %0 = llmc.lookup %q, %c {bits = 4, block = 16, columns = 16} : (tensor<1x1x8xui8>, tensor<16xf32>) -> tensor<1x16xf32>
  return %0 : tensor<1x16xf32>
}

// CHECK-LABEL: @constant_densify
func.func @constant_densify() -> tensor<1x4xf32> {
  %v = llmc.constant dense<1.0> : tensor<1x2xf32>
  %m = llmc.constant dense<4> : tensor<1x1xui8>
  // CHECK: llmc.densify
  %0 = llmc.densify %v, %m {pattern = "2:4"} : (tensor<1x2xf32>, tensor<1x1xui8>) -> tensor<1x4xf32>
  return %0 : tensor<1x4xf32>
}

// CHECK-LABEL: @quantized
func.func @quantized(%x: tensor<?x8xf32>) -> (tensor<?x8xf32>, tensor<f32>) {
  %s = llmc.constant dense<0.5> : tensor<f32>
  // CHECK: llmc.quantize_linear
  %0 = llmc.quantize_linear %x, %s {to = i8, precision = f32} : (tensor<?x8xf32>, tensor<f32>) -> tensor<?x8xi8>
  // CHECK: %[[X:.*]] = llmc.dequantize_linear
  %1 = llmc.dequantize_linear %0, %s {to = f32} : (tensor<?x8xi8>, tensor<f32>) -> tensor<?x8xf32>
  // CHECK: llmc.quantize_linear
  %c = llmc.constant dense<0.3> : tensor<f32>
  %2 = llmc.quantize_linear %c, %s {to = i8, precision = f32} : (tensor<f32>, tensor<f32>) -> tensor<i8>
  // CHECK: %[[C:.*]] = llmc.dequantize_linear
  %3 = llmc.dequantize_linear %2, %s {to = f32} : (tensor<i8>, tensor<f32>) -> tensor<f32>
  // CHECK: return %[[X]], %[[C]]
  return %1, %3 : tensor<?x8xf32>, tensor<f32>
}

// A resource is data, whether it is a param or not.
// CHECK-LABEL: @resource
func.func @resource() -> tensor<2xi64> {
  // CHECK: llmc.neg
  %0 = llmc.constant dense_resource<data> : tensor<2xi64>
  %1 = llmc.neg %0 : (tensor<2xi64>) -> tensor<2xi64>
  return %1 : tensor<2xi64>
}

// Equal loads are one, unused ones go; the params stay.
// CHECK-LABEL: @tied
func.func @tied() -> tensor<2xf32> {
  // CHECK: %[[W:.*]] = llmc.weight @w
  // CHECK-NOT: llmc.weight
  // CHECK: llmc.mul %[[W]], %[[W]]
  %a = llmc.weight @w : tensor<2xf32>
  %b = llmc.weight @w : tensor<2xf32>
  %unused = llmc.weight @s : tensor<1x1xf32>
  %0 = llmc.mul %a, %b : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

{-#
  dialect_resources: { builtin: { data: "0x1000000001000000000000000200000000000000" } }
#-}
