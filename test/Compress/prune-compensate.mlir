// RUN: %python %S/../Inputs/make_statistics.py %t.safetensors down.weight=4
// RUN: llmc-opt %s --pass-pipeline="builtin.module(llmc-read-statistics{file=%t.safetensors},llmc-prune-neurons{ratio=0.5 multiple=1 compensate=bias})" | FileCheck %s
// RUN: llmc-opt %s --pass-pipeline="builtin.module(llmc-read-statistics{file=%t.safetensors},llmc-prune-neurons{ratio=0.5 multiple=1})" | FileCheck %s
// RUN: llmc-opt %s --pass-pipeline="builtin.module(llmc-read-statistics{file=%t.safetensors},llmc-prune-neurons{ratio=0.5 multiple=1 compensate=refit})" | FileCheck %s --check-prefix=REFIT

// A linear without a bias gets one, named after its weight; the statistics of
// its input are narrowed, so that the pass can run again.
// RUN: llmc-opt %s --pass-pipeline="builtin.module(llmc-read-statistics{file=%t.safetensors},llmc-prune-neurons{ratio=0.5 multiple=1 strict},llmc-prune-neurons{ratio=0.5 multiple=1 strict})" | FileCheck %s --check-prefix=TWICE

// CHECK: llmc.param @down.weight = dense_resource<down.weight{{.*}}> : tensor<2x2xf32>
// CHECK: llmc.param @down.bias = dense_resource<down.bias> : tensor<2xf32>
// CHECK: %[[B:.*]] = llmc.weight @down.bias
// CHECK: llmc.linear %{{.*}}, %{{.*}}, %[[B]]
// REFIT: llmc.param @down.weight = dense_resource<down.weight{{.*}}> : tensor<2x2xf32>
// REFIT-NOT: down.bias
// TWICE: llmc.param @down.weight = dense_resource<down.weight{{.*}}> : tensor<2x1xf32>
// TWICE: llmc.param @down.bias = dense_resource<down.bias{{.*}}> : tensor<2xf32>
// TWICE-NOT: llmc.param
llmc.param @up = dense<1.0> : tensor<4x3xf32>
llmc.param @down.weight = dense<[[5.0, 1.0, 0.0, 3.0],
                                 [5.0, 0.0, 2.0, 3.0]]> : tensor<2x4xf32>
func.func @main(%x: tensor<?x3xf32>) -> tensor<?x2xf32> {
  %u = llmc.weight @up : tensor<4x3xf32>
  %g = llmc.linear %x, %u : (tensor<?x3xf32>, tensor<4x3xf32>) -> tensor<?x4xf32>
  %s = llmc.silu %g : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %d = llmc.weight @down.weight : tensor<2x4xf32>
  %y = llmc.linear %s, %d : (tensor<?x4xf32>, tensor<2x4xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}
