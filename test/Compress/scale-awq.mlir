// RUN: %python %S/../Inputs/make_statistics.py %t.safetensors a,b=8 c=4
// RUN: llmc-opt %s --llmc-read-statistics=file=%t.safetensors --llmc-scale-awq="bits=2 block=8" | FileCheck %s
// RUN: llmc-opt %s --llmc-read-statistics=file=%t.safetensors --llmc-scale-awq="bits=2 block=8" --remark-policy=all --remark-format=emitRemark --remarks-filter=llmc-compress -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK
// RUN: llmc-opt %s --llmc-read-statistics=file=%t.safetensors --llmc-scale-awq="bits=2 block=8 skip=^b$" | FileCheck %s --check-prefix=SKIP
// RUN: llmc-opt %s --llmc-read-statistics=file=%t.safetensors --llmc-smooth | FileCheck %s --check-prefix=SMOOTH

// What is scaled has new bytes; the graph stays what it was.
// test/python/test_scale_weights.py compares numbers.

// REMARK-DAG: output_error_left={{.*}}, param=a, ratio=[[R:.*]]
// REMARK-DAG: output_error_left={{.*}}, param=b, ratio=
// REMARK-DAG: param=c, ratio=

// CHECK: llmc.param @norm = dense_resource<norm> : tensor<8xf32>
// CHECK: llmc.param @a = dense_resource<a> : tensor<4x8xf32>
// CHECK: llmc.param @b = dense_resource<b{{.*}}> : tensor<8x4xf32>
// CHECK: llmc.param @c = dense_resource<c> : tensor<3x4xf32>

// Linears that share an input are left alone together; @b still makes the
// input of @c.
// SKIP: llmc.param @norm = dense<1.0
// SKIP: llmc.param @a = dense<
// SKIP: llmc.param @b = dense_resource<b>
// SKIP: llmc.param @c = dense_resource<c>

// SMOOTH: llmc.param @norm = dense_resource<norm> : tensor<8xf32>
// SMOOTH: llmc.param @c = dense_resource<c> : tensor<3x4xf32>
llmc.param @norm = dense<1.0> : tensor<8xf32>
llmc.param @a = dense<[[1.0, 2.3, -3.1, 4.7, 5.2, 6.9, -7.4, 8.6],
                       [0.3, 7.1, 2.2, -1.9, 4.4, 0.7, 3.8, -2.6],
                       [1.7, 0.1, 0.9, 2.8, -3.3, 1.2, 0.4, 5.5],
                       [2.1, -1.4, 3.6, 0.2, 1.1, 2.9, -0.8, 0.6]]>
  : tensor<4x8xf32>
llmc.param @b = dense<[[1.3, 2.6, 0.4, 1.9], [0.2, 3.3, 1.8, -2.7],
                       [2.4, 0.9, -1.1, 0.5], [1.6, 0.8, 3.9, 2.2],
                       [0.7, 1.4, 2.5, -3.6], [3.1, 0.3, 1.2, 0.6],
                       [1.0, -2.8, 0.1, 4.2], [2.0, 1.5, 3.4, 1.1]]>
  : tensor<8x4xf32>
llmc.param @c = dense<[[1.1, 2.7, 0.3, 1.8], [0.9, 0.4, 3.2, 2.1],
                       [2.6, 1.3, 0.7, 0.2]]> : tensor<3x4xf32>

// CHECK-LABEL: func.func @main
// CHECK: %[[N:.*]] = llmc.rms_norm
// CHECK: llmc.linear %[[N]]
// CHECK: llmc.silu
// CHECK: %[[U:.*]] = llmc.linear %[[N]]
// CHECK: llmc.mul
// CHECK: llmc.linear
func.func @main(%x: tensor<?x8xf32>) -> tensor<?x3xf32> {
  %s = llmc.weight @norm : tensor<8xf32>
  %n = llmc.rms_norm %x, %s {epsilon = 1.0e-5 : f32}
     : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  %a = llmc.weight @a : tensor<4x8xf32>
  %g = llmc.linear %n, %a
     : (tensor<?x8xf32>, tensor<4x8xf32>) -> tensor<?x4xf32>
  %t = llmc.silu %g : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %b = llmc.weight @b : tensor<8x4xf32>
  %bt = llmc.transpose %b {perm = array<i64: 1, 0>}
     : (tensor<8x4xf32>) -> tensor<4x8xf32>
  %u = llmc.linear %n, %bt
     : (tensor<?x8xf32>, tensor<4x8xf32>) -> tensor<?x4xf32>
  %m = llmc.mul %t, %u
     : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %c = llmc.weight @c : tensor<3x4xf32>
  %y = llmc.linear %m, %c
     : (tensor<?x4xf32>, tensor<3x4xf32>) -> tensor<?x3xf32>
  return %y : tensor<?x3xf32>
}
