// RUN: llmc-opt %s --llmc-share-parameters | FileCheck %s
// RUN: llmc-opt %s --llmc-share-parameters="vectors skip=copy" | FileCheck %s --check-prefix=VECTORS
// RUN: llmc-opt %s --llmc-share-parameters=tolerance=0.01 | FileCheck %s --check-prefix=NEAR
// RUN: llmc-opt %s --llmc-share-parameters=tolerance=0.01 --remark-policy=all --remark-format=emitRemark --remarks-filter=llmc-compress -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK
// RUN: not llmc-opt %s --llmc-share-parameters=tolerance=-1 2>&1 | FileCheck %s --check-prefix=NEGATIVE
// RUN: not llmc-opt %s --llmc-share-parameters="skip=[" 2>&1 | FileCheck %s --check-prefix=SKIP
// RUN: %python %S/../Inputs/make_statistics.py %t.safetensors copy=3
// RUN: llmc-opt %s --llmc-read-statistics=file=%t.safetensors --llmc-share-parameters --llmc-prune-wanda="strict store=dense skip=^[^w]" -o /dev/null 2>&1 | FileCheck %s --check-prefix=STATISTICS --allow-empty

// NEGATIVE: error: llmc-share-parameters: tolerance is -1.000000e+00; it must be at least 0 and below 1
// SKIP: error: llmc-share-parameters: skip is not a regular expression
// Statistics of the one that goes away are those of the one that stays.
// STATISTICS-NOT: {{.}}

// REMARK-DAG: bytes_after=0, bytes_before=24, param=head, relative_error=0.000000e+00, shared_with=embed, transposed=true, weights=6
// REMARK-DAG: bytes_after=0, bytes_before=48, param=copy, relative_error=0.000000e+00, shared_with=w, transposed=false, weights=12
// REMARK-DAG: param=near, relative_error=2.66{{[0-9]+}}e-03, shared_with=w, transposed=false

// The one that an embedding reads stays, though it comes later.
// CHECK-NOT: llmc.param @head
llmc.param @head = dense<[[1.0, 3.0], [2.0, 4.0], [5.0, 6.0]]> : tensor<3x2xf32>
// CHECK: llmc.param @embed
llmc.param @embed = dense<[[1.0, 2.0, 5.0], [3.0, 4.0, 6.0]]> : tensor<2x3xf32>

// CHECK: llmc.param @w =
llmc.param @w = dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0],
                       [0.0, 1.0, 0.0]]> : tensor<4x3xf32>
// CHECK-NOT: llmc.param @copy
// VECTORS: llmc.param @copy
llmc.param @copy = dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0],
                          [0.0, 1.0, 0.0]]> : tensor<4x3xf32>
// 0.045 / sqrt(286 - 81 + 8.955^2): as near as that.
// CHECK: llmc.param @near
// NEAR-NOT: llmc.param @near
llmc.param @near = dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 8.955],
                          [0.0, 1.0, 0.0]]> : tensor<4x3xf32>
// CHECK: llmc.param @far
// NEAR: llmc.param @far
llmc.param @far = dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0],
                         [0.0, 1.5, 0.0]]> : tensor<4x3xf32>
// Bits of the same elements in another order, and others.
// CHECK: llmc.param @shuffled
llmc.param @shuffled = dense<[[4.0, 5.0, 6.0], [1.0, 2.0, 3.0],
                              [7.0, 8.0, 9.0], [0.0, 1.0, 0.0]]>
  : tensor<4x3xf32>
// Zeros of two signs.
// CHECK: llmc.param @plus
// CHECK: llmc.param @minus
llmc.param @plus = dense<0.0> : tensor<4x3xf32>
llmc.param @minus = dense<-0.0> : tensor<4x3xf32>
// Of another type.
// CHECK: llmc.param @half
llmc.param @half = dense<0.0> : tensor<4x3xf16>
// CHECK: llmc.param @bias.0
// CHECK: llmc.param @bias.1
// VECTORS: llmc.param @bias.0
// VECTORS-NOT: llmc.param @bias.1
llmc.param @bias.0 = dense<0.5> : tensor<4xf32>
llmc.param @bias.1 = dense<0.5> : tensor<4xf32>

// CHECK-LABEL: func.func @main
// CHECK: %[[E:.*]] = llmc.weight @embed
// CHECK: %[[X:.*]] = llmc.embedding %{{.*}}, %[[E]]
// CHECK: %[[H:.*]] = llmc.weight @embed
// CHECK-NOT: llmc.transpose
// CHECK: llmc.linear %[[X]], %[[H]]
// A reader of the transpose itself.
// CHECK: %[[R:.*]] = llmc.weight @embed
// CHECK: llmc.transpose %[[R]]
// CHECK: %[[W:.*]] = llmc.weight @w
// CHECK: %[[C:.*]] = llmc.weight @w
// CHECK: llmc.linear %[[X]], %[[C]], %{{.*}}
// CHECK: llmc.weight @near
func.func @main(%ids: tensor<?xi64>)
    -> (tensor<?x2xf32>, tensor<3x2xf32>, tensor<?x4xf32>, tensor<?x4xf32>,
        tensor<?x4xf32>) {
  %e = llmc.weight @embed : tensor<2x3xf32>
  %x = llmc.embedding %ids, %e
     : (tensor<?xi64>, tensor<2x3xf32>) -> tensor<?x3xf32>
  %h = llmc.weight @head : tensor<3x2xf32>
  %t = llmc.transpose %h {perm = array<i64: 1, 0>}
     : (tensor<3x2xf32>) -> tensor<2x3xf32>
  %y = llmc.linear %x, %t
     : (tensor<?x3xf32>, tensor<2x3xf32>) -> tensor<?x2xf32>
  %r = llmc.weight @head : tensor<3x2xf32>
  %n = llmc.neg %r : (tensor<3x2xf32>) -> tensor<3x2xf32>
  %w = llmc.weight @w : tensor<4x3xf32>
  %b = llmc.weight @bias.0 : tensor<4xf32>
  %0 = llmc.linear %x, %w, %b
     : (tensor<?x3xf32>, tensor<4x3xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  %c = llmc.weight @copy : tensor<4x3xf32>
  %d = llmc.weight @bias.1 : tensor<4xf32>
  %1 = llmc.linear %x, %c, %d
     : (tensor<?x3xf32>, tensor<4x3xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  %o = llmc.weight @near : tensor<4x3xf32>
  %2 = llmc.linear %x, %o
     : (tensor<?x3xf32>, tensor<4x3xf32>) -> tensor<?x4xf32>
  return %y, %n, %0, %1, %2 : tensor<?x2xf32>, tensor<3x2xf32>,
      tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>
}
