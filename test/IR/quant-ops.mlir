// RUN: llmc-opt %s | llmc-opt | FileCheck %s
// RUN: llmc-opt %s --mlir-print-op-generic | llmc-opt | FileCheck %s

// CHECK-LABEL: @quantize
func.func @quantize(%x: tensor<?x8xf32>, %s: tensor<f32>, %z: tensor<ui8>, %v: tensor<8xf32>, %b: tensor<?x2xf16>,
                    %i: tensor<?x8xi32>) {
  // CHECK: llmc.quantize_linear %{{.*}}, %{{.*}} {precision = f32, to = ui8} : {{.*}} -> tensor<?x8xui8>
  %0 = llmc.quantize_linear %x, %s {to = ui8, precision = f32} : (tensor<?x8xf32>, tensor<f32>) -> tensor<?x8xui8>
  // CHECK: llmc.quantize_linear %{{.*}}, %{{.*}}, %{{.*}} {precision = f32, to = ui8}
  %1 = llmc.quantize_linear %x, %s, %z {to = ui8, precision = f32}
     : (tensor<?x8xf32>, tensor<f32>, tensor<ui8>) -> tensor<?x8xui8>
  // CHECK: llmc.quantize_linear {{.*}} {precision = f32, saturate = false, to = f8E5M2}
  %2 = llmc.quantize_linear %x, %v {to = f8E5M2, precision = f32, axis = 1, saturate = false}
     : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf8E5M2>
  // CHECK: llmc.quantize_linear {{.*}} {block_size = 4 : i64, precision = f16, to = i4} : (tensor<?x8xi32>, tensor<?x2xf16>) -> tensor<?x8xi4>
  %3 = llmc.quantize_linear %i, %b {to = i4, precision = f16, block_size = 4}
     : (tensor<?x8xi32>, tensor<?x2xf16>) -> tensor<?x8xi4>
  return
}

// CHECK-LABEL: @dequantize
func.func @dequantize(%q: tensor<8x?xi4>, %s: tensor<f16>, %z: tensor<8xi4>, %v: tensor<8xf16>, %b: tensor<2x?xf16>) {
  // CHECK: llmc.dequantize_linear %{{.*}}, %{{.*}} {to = f16} : (tensor<8x?xi4>, tensor<f16>) -> tensor<8x?xf16>
  %0 = llmc.dequantize_linear %q, %s {to = f16} : (tensor<8x?xi4>, tensor<f16>) -> tensor<8x?xf16>
  // CHECK: llmc.dequantize_linear %{{.*}}, %{{.*}}, %{{.*}} {axis = 0 : i64, to = f32}
  %1 = llmc.dequantize_linear %q, %v, %z {to = f32, axis = 0}
     : (tensor<8x?xi4>, tensor<8xf16>, tensor<8xi4>) -> tensor<8x?xf32>
  // CHECK: llmc.dequantize_linear {{.*}} {axis = 0 : i64, block_size = 4 : i64, to = f16}
  %2 = llmc.dequantize_linear %q, %b {to = f16, axis = 0, block_size = 4}
     : (tensor<8x?xi4>, tensor<2x?xf16>) -> tensor<8x?xf16>
  return
}

// CHECK-LABEL: @integers
func.func @integers(%x: tensor<?x8xf32>, %a: tensor<3x?x8xui8>, %w: tensor<8x5xi8>, %z: tensor<ui8>, %c: tensor<5xi8>,
                    %rows: tensor<3x?x1xui8>, %bytes: tensor<5xui8>, %bit: tensor<2xui8>) {
  // CHECK: llmc.dynamic_quantize_linear %{{.*}} : (tensor<?x8xf32>) -> (tensor<?x8xui8>, tensor<f32>, tensor<ui8>)
  %0:3 = llmc.dynamic_quantize_linear %x : (tensor<?x8xf32>) -> (tensor<?x8xui8>, tensor<f32>, tensor<ui8>)
  // CHECK: llmc.matmul_integer %{{.*}}, %{{.*}} {operandSegmentSizes = array<i32: 1, 1, 0, 0>} : {{.*}} -> tensor<3x?x5xi32>
  %1 = llmc.matmul_integer %a, %w {operandSegmentSizes = array<i32: 1, 1, 0, 0>}
     : (tensor<3x?x8xui8>, tensor<8x5xi8>) -> tensor<3x?x5xi32>
  // CHECK: llmc.matmul_integer %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} {operandSegmentSizes = array<i32: 1, 1, 1, 1>}
  %2 = llmc.matmul_integer %a, %w, %z, %c {operandSegmentSizes = array<i32: 1, 1, 1, 1>}
     : (tensor<3x?x8xui8>, tensor<8x5xi8>, tensor<ui8>, tensor<5xi8>) -> tensor<3x?x5xi32>
  // CHECK: llmc.matmul_integer %{{.*}}, %{{.*}}, %{{.*}} {operandSegmentSizes = array<i32: 1, 1, 1, 0>}
  %3 = llmc.matmul_integer %a, %w, %rows {operandSegmentSizes = array<i32: 1, 1, 1, 0>}
     : (tensor<3x?x8xui8>, tensor<8x5xi8>, tensor<3x?x1xui8>) -> tensor<3x?x5xi32>
  // CHECK: llmc.unpack %{{.*}} {shape = array<i64: 3, 3>, to = i4} : (tensor<5xui8>) -> tensor<3x3xi4>
  %4 = llmc.unpack %bytes {to = i4, shape = array<i64: 3, 3>} : (tensor<5xui8>) -> tensor<3x3xi4>
  // CHECK: llmc.unpack %{{.*}} {shape = array<i64: 4>, to = f4E2M1FN} : (tensor<2xui8>) -> tensor<4xf4E2M1FN>
  %5 = llmc.unpack %bit {to = f4E2M1FN, shape = array<i64: 4>} : (tensor<2xui8>) -> tensor<4xf4E2M1FN>
  return
}

// CHECK-LABEL: @dynamic
func.func @dynamic(%x: tensor<?x?x576xf32>, %h: tensor<48xf16>) {
  // CHECK: llmc.quantize_dynamic %{{.*}} {block = 32 : i64} : (tensor<?x?x576xf32>) -> tensor<?x?x576xf32>
  %0 = llmc.quantize_dynamic %x {block = 32 : i64} : (tensor<?x?x576xf32>) -> tensor<?x?x576xf32>
  // CHECK: llmc.quantize_dynamic %{{.*}} {block = 64 : i64} : (tensor<48xf16>) -> tensor<48xf16>
  %1 = llmc.quantize_dynamic %h {block = 64 : i64} : (tensor<48xf16>) -> tensor<48xf16>
  return
}
