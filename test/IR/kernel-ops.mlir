// RUN: llmc-opt %s | llmc-opt | FileCheck %s

// CHECK: llmc.kernel @product by "cpu" kind "linear" {config = {rows = 2 : i64}}
llmc.kernel @product by "cpu" kind "linear" {config = {rows = 2 : i64}}
// CHECK: llmc.kernel @fill by "other-1" kind "fill" {config = {}, sym_visibility = "private"}
llmc.kernel @fill by "other-1" kind "fill" {config = {}, sym_visibility = "private"}

// CHECK-LABEL: func.func @tensors(
// CHECK: %[[Y:.*]]:2 = llmc.launch @product ins(%{{.*}}, %{{.*}} : tensor<?x3xf32>, tensor<6xui8>)
// CHECK-SAME: outs(%{{.*}}, %{{.*}} : tensor<?x2xf32>, tensor<2xi64>) -> tensor<?x2xf32>, tensor<2xi64>
// CHECK: llmc.launch @fill outs(%[[Y]]#0 : tensor<?x2xf32>) -> tensor<?x2xf32>
func.func @tensors(%x: tensor<?x3xf32>, %p: tensor<6xui8>, %y: tensor<?x2xf32>, %i: tensor<2xi64>)
    -> tensor<?x2xf32> {
  %0:2 = llmc.launch @product ins(%x, %p : tensor<?x3xf32>, tensor<6xui8>)
      outs(%y, %i : tensor<?x2xf32>, tensor<2xi64>) -> tensor<?x2xf32>, tensor<2xi64>
  %1 = llmc.launch @fill outs(%0#0 : tensor<?x2xf32>) -> tensor<?x2xf32>
  return %1 : tensor<?x2xf32>
}

// CHECK-LABEL: func.func @updates(
// CHECK: llmc.launch @fill outs(%{{.*}} : tensor<?x2xf32>) {updates = array<i64: 0>} -> tensor<?x2xf32>
func.func @updates(%y: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %0 = llmc.launch @fill outs(%y : tensor<?x2xf32>) {updates = array<i64: 0>} -> tensor<?x2xf32>
  return %0 : tensor<?x2xf32>
}

// CHECK-LABEL: func.func @buffers(
// CHECK: llmc.launch @product ins(%{{.*}} : memref<?x3xf32>) outs(%{{.*}} : memref<?x2xf32>)
func.func @buffers(%x: memref<?x3xf32>, %y: memref<?x2xf32>) {
  llmc.launch @product ins(%x : memref<?x3xf32>) outs(%y : memref<?x2xf32>)
  return
}
