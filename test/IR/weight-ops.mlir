// RUN: llmc-opt %s | llmc-opt | FileCheck %s
// RUN: llmc-opt %s --mlir-print-op-generic | llmc-opt | FileCheck %s
// RUN: llmc-opt %s --emit-bytecode | llmc-opt | FileCheck %s

// CHECK: llmc.param @dense = dense<[1.000000e+00, 2.000000e+00]> : tensor<2xf32>
llmc.param @dense = dense<[1.0, 2.0]> : tensor<2xf32>
// CHECK: llmc.param @mapped = dense_resource<mapped> : tensor<2xf16>
llmc.param @mapped = dense_resource<mapped> : tensor<2xf16>
// CHECK: llmc.param @packed = dense_resource<packed> : tensor<3xi4>
llmc.param @packed = dense_resource<packed> : tensor<3xi4>
// A bool takes a byte.
// CHECK: llmc.param @bools = dense_resource<bools> : tensor<3xi1>
llmc.param @bools = dense_resource<bools> : tensor<3xi1>
// CHECK: llmc.param @none = dense<> : tensor<0x4xf8E4M3FN>
llmc.param @none = dense<> : tensor<0x4xf8E4M3FN>
// CHECK: llmc.param @hidden = dense<1> : tensor<ui8> {note = "kept", sym_visibility = "private"}
llmc.param @hidden = dense<1> : tensor<ui8> {sym_visibility = "private", note = "kept"}
llmc.param @q = dense<0> : tensor<2x3x8xui8>
llmc.param @s = dense<1.0> : tensor<2x3xf32>
llmc.param @z = dense<0> : tensor<2x2xui8>

// CHECK-LABEL: @weights
func.func @weights() {
  // CHECK: llmc.weight @mapped : tensor<2xf16>
  %0 = llmc.weight @mapped : tensor<2xf16>
  // CHECK: llmc.weight @none : tensor<0x4xf8E4M3FN>
  %1 = llmc.weight @none : tensor<0x4xf8E4M3FN>
  // CHECK: llmc.constant dense<[0, -1]> : tensor<2xi64>
  %2 = llmc.constant dense<[0, -1]> : tensor<2xi64>
  // CHECK: llmc.constant dense<true> : tensor<i1>
  %3 = llmc.constant dense<true> : tensor<i1>
  // CHECK: llmc.constant dense_resource<mapped> : tensor<2xf16>
  %4 = llmc.constant dense_resource<mapped> : tensor<2xf16>
  return
}

// The last block of 40 columns is padded.
// CHECK-LABEL: @dequantize
func.func @dequantize(%half: tensor<?x3xf16>, %some: tensor<?x3x8xui8>) {
  %q = llmc.weight @q : tensor<2x3x8xui8>
  %s = llmc.weight @s : tensor<2x3xf32>
  %z = llmc.weight @z : tensor<2x2xui8>
  // CHECK: llmc.dequantize %{{.*}}, %{{.*}} {bits = 4 : i64, block = 16 : i64, columns = 40 : i64} : (tensor<2x3x8xui8>, tensor<2x3xf32>) -> tensor<2x40xf32>
  %0 = llmc.dequantize %q, %s {bits = 4, block = 16, columns = 40}
     : (tensor<2x3x8xui8>, tensor<2x3xf32>) -> tensor<2x40xf32>
  // CHECK: llmc.dequantize %{{.*}}, %{{.*}}, %{{.*}} {bits = 4 : i64, block = 16 : i64, columns = 40 : i64} : (tensor<2x3x8xui8>, tensor<2x3xf32>, tensor<2x2xui8>) -> tensor<2x40xf32>
  %1 = llmc.dequantize %q, %s, %z {bits = 4, block = 16, columns = 40}
     : (tensor<2x3x8xui8>, tensor<2x3xf32>, tensor<2x2xui8>) -> tensor<2x40xf32>
  // CHECK: llmc.dequantize {{.*}} : (tensor<2x3x8xui8>, tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x40xf32>
  %3 = llmc.dequantize %q, %s, %s {bits = 4, block = 16, columns = 40}
     : (tensor<2x3x8xui8>, tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x40xf32>
  // CHECK: llmc.dequantize {{.*}} : (tensor<?x3x8xui8>, tensor<?x3xf16>) -> tensor<?x40xf16>
  %2 = llmc.dequantize %some, %half {bits = 4, block = 16, columns = 40}
     : (tensor<?x3x8xui8>, tensor<?x3xf16>) -> tensor<?x40xf16>
  return
}

// CHECK-LABEL: @lookup
func.func @lookup(%c: tensor<2x16xf32>, %half: tensor<16xf16>, %some: tensor<?x3x8xui8>,
                  %pairs: tensor<2x3x3xui8>, %vectors: tensor<1x64x2xf32>) {
  %q = llmc.weight @q : tensor<2x3x8xui8>
  %s = llmc.weight @s : tensor<2x3xf32>
  // CHECK: llmc.lookup %{{.*}}, %{{.*}} {bits = 4 : i64, block = 16 : i64, columns = 40 : i64} : (tensor<2x3x8xui8>, tensor<2x16xf32>) -> tensor<2x40xf32>
  %0 = llmc.lookup %q, %c {bits = 4, block = 16, columns = 40}
     : (tensor<2x3x8xui8>, tensor<2x16xf32>) -> tensor<2x40xf32>
  // CHECK: llmc.lookup %{{.*}}, %{{.*}}, %{{.*}} {bits = 4 : i64, block = 16 : i64, columns = 40 : i64} : (tensor<2x3x8xui8>, tensor<2x16xf32>, tensor<2x3xf32>) -> tensor<2x40xf32>
  %1 = llmc.lookup %q, %c, %s {bits = 4, block = 16, columns = 40}
     : (tensor<2x3x8xui8>, tensor<2x16xf32>, tensor<2x3xf32>) -> tensor<2x40xf32>
  // CHECK: llmc.lookup {{.*}} : (tensor<?x3x8xui8>, tensor<16xf16>) -> tensor<?x40xf16>
  %2 = llmc.lookup %some, %half {bits = 4, block = 16, columns = 40}
     : (tensor<?x3x8xui8>, tensor<16xf16>) -> tensor<?x40xf16>
  // Four indices of pairs in each block.
  // CHECK: llmc.lookup {{.*}} {bits = 6 : i64, block = 8 : i64, columns = 22 : i64} : (tensor<2x3x3xui8>, tensor<1x64x2xf32>, tensor<2x3xf32>) -> tensor<2x22xf32>
  %3 = llmc.lookup %pairs, %vectors, %s {bits = 6, block = 8, columns = 22}
     : (tensor<2x3x3xui8>, tensor<1x64x2xf32>, tensor<2x3xf32>) -> tensor<2x22xf32>
  return
}

// CHECK-LABEL: @densify
func.func @densify(%v: tensor<2x6xf16>, %p: tensor<2x2xui8>, %q: tensor<?x3x4xui8>, %m: tensor<?x6xui8>) {
  // CHECK: llmc.densify %{{.*}}, %{{.*}} {pattern = "2:4"} : (tensor<2x6xf16>, tensor<2x2xui8>) -> tensor<2x12xf16>
  %0 = llmc.densify %v, %p {pattern = "2:4"}
     : (tensor<2x6xf16>, tensor<2x2xui8>) -> tensor<2x12xf16>
  // CHECK: llmc.densify %{{.*}}, %{{.*}} {bits = 4 : i64, fill = 3 : i64, pattern = "2:4"} : (tensor<?x3x4xui8>, tensor<?x6xui8>) -> tensor<?x3x8xui8>
  %1 = llmc.densify %q, %m {pattern = "2:4", bits = 4, fill = 3}
     : (tensor<?x3x4xui8>, tensor<?x6xui8>) -> tensor<?x3x8xui8>
  return
}

// CHECK-LABEL: @densify_bitmap
func.func @densify_bitmap(%v: tensor<7xf16>, %g: tensor<4x6xf32>, %m: tensor<2x2xui8>, %s: tensor<2xi32>, %n: tensor<?x1xui8>, %t: tensor<?xi32>) {
  // CHECK: llmc.densify_bitmap %{{.*}}, %{{.*}}, %{{.*}} {columns = 12 : i64} : (tensor<7xf16>, tensor<2x2xui8>, tensor<2xi32>) -> tensor<2x12xf16>
  %0 = llmc.densify_bitmap %v, %m, %s {columns = 12}
     : (tensor<7xf16>, tensor<2x2xui8>, tensor<2xi32>) -> tensor<2x12xf16>
  // CHECK: llmc.densify_bitmap %{{.*}}, %{{.*}}, %{{.*}} {columns = 24 : i64, tile = array<i64: 2, 3>} : (tensor<4x6xf32>, tensor<?x1xui8>, tensor<?xi32>) -> tensor<?x24xf32>
  %1 = llmc.densify_bitmap %g, %n, %t {columns = 24, tile = array<i64: 2, 3>}
     : (tensor<4x6xf32>, tensor<?x1xui8>, tensor<?xi32>) -> tensor<?x24xf32>
  return
}

// CHECK: {-#
{-#
  dialect_resources: {
    builtin: {
      mapped: "0x10000000003C0040",
      packed: "0x100000002103",
      bools: "0x10000000010001"
    }
  }
#-}
