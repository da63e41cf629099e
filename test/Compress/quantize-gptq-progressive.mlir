// RUN: %python %S/../Inputs/make_statistics.py %t.safetensors fc,pruned=16
// RUN: llmc-opt %s --llmc-read-statistics=file=%t.safetensors -llmc-quantize-gptq="bits=4 block=8 symmetric progressive clip=none skip=pruned strict" | FileCheck %s
// RUN: llmc-opt %s --pass-pipeline='builtin.module(llmc-read-statistics{file=%t.safetensors},llmc-prune-magnitude{pattern=2:4 skip=fc},llmc-quantize-gptq{bits=4 block=8 symmetric progressive clip=none skip=fc strict})' | FileCheck %s --check-prefix=PRUNED
// RUN: llmc-opt %s --llmc-read-statistics=file=%t.safetensors -llmc-quantize-gptq="bits=4 block=8 symmetric progressive sweeps=3" --remark-policy=all --remark-format=emitRemark --remarks-filter=llmc-compress -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// REMARK: bits=4, block=8, bytes_after=42, bytes_before=192, {{.*}}output_error={{.*}}, param=fc,

// Scales as in quantize-rtn-progressive.mlir.
// CHECK: llmc.param @fc.q = dense_resource<fc.q> : tensor<3x2x4xui8>
// CHECK: llmc.param @fc.scales.q = dense_resource<fc.scales.q> : tensor<3x2xui8>
// CHECK: llmc.param @fc.scales.rows = dense_resource<fc.scales.rows> : tensor<3x1xf32>
// CHECK-NOT: fc
llmc.param @fc = dense<[
  [-7.0, -6.0, -5.0, -4.0, 5.0, 6.0, 7.0, 7.5,
   1.0, -1.0, 0.5, 0.0, 0.0, 0.0, 0.0, 0.0],
  [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0,
   -1.5, -1.4, -0.1, 0.0, 0.0, 0.0, 0.0, 0.0],
  [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0,
   0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]]> : tensor<3x16xf32>

// PRUNED: llmc.param @pruned.q = {{.*}} : tensor<2x2x2xui8>
// PRUNED: llmc.param @pruned.scales.q = {{.*}} : tensor<2x2xui8>
// PRUNED: llmc.param @pruned.scales.rows = {{.*}} : tensor<2x1xf32>
llmc.param @pruned = dense<[
  [7.5, 0.0, 0.5, 0.0, 0.0, -2.5, 1.5, 0.0,
   0.0, 3.75, 0.5, 0.0, 0.0, -2.5, 1.5, 0.0],
  [0.0, 7.5, 0.5, 0.0, 0.0, -2.5, 1.5, 0.0,
   15.0, 0.0, 0.5, 0.0, 0.0, -2.5, 0.0, 1.5]]> : tensor<2x16xf32>

// CHECK-LABEL: func.func @main
// CHECK: %[[C:.*]] = llmc.cast %{{.*}} {to = f32} : (tensor<3x2xui8>) -> tensor<3x2xf32>
// CHECK: %[[R:.*]] = llmc.weight @fc.scales.rows : tensor<3x1xf32>
// CHECK: %[[S:.*]] = llmc.mul %[[C]], %[[R]]
// CHECK: llmc.dequantize %{{.*}}, %[[S]] {bits = 4 : i64, block = 8 : i64, columns = 16 : i64}
// CHECK: fc.scales.q: "0x40000000100201100101"
// CHECK: fc.scales.rows: "0x400000000000803D00004E3C0000803F"

// PRUNED: %[[S:.*]] = llmc.mul %{{.*}} : (tensor<2x2xf32>, tensor<2x1xf32>) -> tensor<2x2xf32>
// PRUNED: %[[Q:.*]] = llmc.densify %{{.*}} {bits = 4 : i64, pattern = "2:4"}
// PRUNED: llmc.dequantize %[[Q]], %[[S]]
// PRUNED: pruned.scales.q: "0x4000000010080810"
// PRUNED: pruned.scales.rows: "0x400000000000803D0000003E"
func.func @main(%x: tensor<?x16xf32>) -> (tensor<?x3xf32>, tensor<?x2xf32>) {
  %w = llmc.weight @fc : tensor<3x16xf32>
  %0 = llmc.linear %x, %w
     : (tensor<?x16xf32>, tensor<3x16xf32>) -> tensor<?x3xf32>
  %p = llmc.weight @pruned : tensor<2x16xf32>
  %1 = llmc.linear %x, %p
     : (tensor<?x16xf32>, tensor<2x16xf32>) -> tensor<?x2xf32>
  return %0, %1 : tensor<?x3xf32>, tensor<?x2xf32>
}
