// llmc-quantize-gptq of pruned weights: what is stored of them becomes integers,
// and where they lie stays. test/python/test_quantize_pruned.py has the numbers.

// RUN: %python %S/../Inputs/make_statistics.py %t.safetensors nm,bits,tiles=16
// RUN: llmc-opt %s --pass-pipeline='builtin.module(llmc-read-statistics{file=%t.safetensors},llmc-prune-magnitude{pattern=2:4 skip=bits|tiles},llmc-prune-magnitude{skip=nm|tiles},llmc-prune-magnitude{pattern=block:2x4 skip=nm|bits},llmc-quantize-gptq{bits=4 block=8 strict})' \
// RUN:   | FileCheck %s
// RUN: llmc-opt %s --pass-pipeline='builtin.module(llmc-read-statistics{file=%t.safetensors},llmc-prune-magnitude{skip=nm|tiles},llmc-quantize-gptq{bits=4 block=8 skip=nm|tiles})' --remark-policy=all --remark-format=emitRemark --remarks-filter=llmc-compress -o /dev/null 2>&1 \
// RUN:   | FileCheck %s --check-prefix=REMARK

// Values on their grids stay what they are: there is no error to make good.
// REMARK: param=bits, pattern=unstructured
// REMARK: bits=4, block=8, bytes_after=30, bytes_before=72, largest_error=0.000000e+00, output_error={{.*}}, param=bits.values, relative_error=0.000000e+00, weights=16

// CHECK-NOT: values
// CHECK: llmc.param @nm.q = dense_resource<nm.q> : tensor<2x2x2xui8>
// CHECK: llmc.param @nm.scales = dense_resource<nm.scales> : tensor<2x2xf32>
// CHECK-NOT: nm.zeros
// CHECK: llmc.param @nm.meta
llmc.param @nm = dense<[
  [7.5, 0.0, 0.5, 0.0, 0.0, -2.5, 1.5, 0.0,
   0.0, 7.5, 0.5, 0.0, 0.0, -2.5, 1.5, 0.0],
  [0.0, 7.5, 0.5, 0.0, 0.0, -2.5, 1.5, 0.0,
   7.5, 0.0, 0.5, 0.0, 0.0, -2.5, 0.0, 1.5]]> : tensor<2x16xf32>

// 15 values: two blocks, of which one goes across rows and one is padded.
// CHECK: llmc.param @bits.q = dense_resource<bits.q> : tensor<2x1x4xui8>
// CHECK: llmc.param @bits.scales = dense_resource<bits.scales> : tensor<2x1xf32>
// CHECK: llmc.param @bits.zeros = dense_resource<bits.zeros> : tensor<2x1xui8>
// CHECK: llmc.param @bits.mask
// CHECK: llmc.param @bits.starts
llmc.param @bits = dense<[
  [1.0, 2.0, 3.0, 4.0, 15.0, 0.0, 0.0, 0.0,
   0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
  [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0,
   9.0, 15.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]]> : tensor<2x16xf32>

// CHECK: llmc.param @tiles.q = dense_resource<tiles.q> : tensor<2x1x4xui8>
// CHECK: llmc.param @tiles.scales
// CHECK: llmc.param @tiles.zeros
// CHECK: llmc.param @tiles.mask
// CHECK: llmc.param @tiles.starts
llmc.param @tiles = dense<[
  [1.0, 2.0, 3.0, 4.0, 0.0, 0.0, 0.0, 0.0,
   0.0, 0.0, 0.0, 0.0, 5.0, 6.0, 7.0, 8.0],
  [4.0, 3.0, 2.0, 1.0, 0.0, 0.0, 0.0, 0.0,
   0.0, 0.0, 0.0, 0.0, 5.0, 6.0, 7.0, 8.0]]> : tensor<2x16xf32>

// CHECK-LABEL: func.func @main
// CHECK: %[[Q:.*]] = llmc.densify %{{.*}}, %{{.*}} {bits = 4 : i64, pattern = "2:4"} : (tensor<2x2x2xui8>, tensor<2x2xui8>) -> tensor<2x2x4xui8>
// CHECK: %[[W:.*]] = llmc.dequantize %[[Q]], %{{.*}} {bits = 4 : i64, block = 8 : i64, columns = 16 : i64}
// CHECK: llmc.linear %{{.*}}, %[[W]]
// CHECK: %[[V:.*]] = llmc.dequantize %{{.*}} {bits = 4 : i64, block = 8 : i64, columns = 8 : i64}
// CHECK: %[[W:.*]] = llmc.densify_bitmap %[[V]], %{{.*}} {columns = 16 : i64} : (tensor<2x8xf32>, tensor<2x2xui8>, tensor<2xi32>) -> tensor<2x16xf32>
// CHECK: llmc.linear %{{.*}}, %[[W]]
// CHECK: %[[V:.*]] = llmc.dequantize
// CHECK: llmc.densify_bitmap %[[V]], {{.*}}tile = array<i64: 2, 4>
func.func @main(%x: tensor<?x16xf32>)
    -> (tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>) {
  %a = llmc.weight @nm : tensor<2x16xf32>
  %0 = llmc.linear %x, %a
     : (tensor<?x16xf32>, tensor<2x16xf32>) -> tensor<?x2xf32>
  %b = llmc.weight @bits : tensor<2x16xf32>
  %1 = llmc.linear %x, %b
     : (tensor<?x16xf32>, tensor<2x16xf32>) -> tensor<?x2xf32>
  %c = llmc.weight @tiles : tensor<2x16xf32>
  %2 = llmc.linear %x, %c
     : (tensor<?x16xf32>, tensor<2x16xf32>) -> tensor<?x2xf32>
  return %0, %1, %2 : tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>
}
