// RUN: llmc-opt %s -llmc-cluster="bits=2 block=0 rows=2 half-codebook=false what=all" | FileCheck %s
// RUN: llmc-opt %s -llmc-cluster="bits=2 block=0 rows=1 skip=^t|head what=all" | FileCheck %s --check-prefix=HALF
// RUN: llmc-opt %s -llmc-cluster="method=nf4 block=8 half-scales skip=^t|head what=all" | FileCheck %s --check-prefix=NF4
// RUN: llmc-opt %s -llmc-cluster="bits=2 block=0 rows=2 half-codebook=false what=all" --remark-policy=all --remark-format=emitRemark --remarks-filter=llmc-compress -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// RUN: llmc-opt %s -llmc-cluster="method=mxfp6-e3m2 skip=^t|head" | FileCheck %s --check-prefix=MX
// RUN: llmc-opt %s -llmc-cluster="method=fp8-e4m3 skip=^t|head" | FileCheck %s --check-prefix=ROWS

// Weights of four values are what they were.
// REMARK-DAG: bits=2, block=16, bytes_after=24, bytes_before=128, dims=1, largest_error=0.000000e+00, param=fc, relative_error=0.000000e+00, rows=2, weights=32
// REMARK-DAG: largest_error=0.000000e+00, param=t,
// REMARK-DAG: param=head,

// CHECK: llmc.param @fc.q = dense_resource<fc.q> : tensor<2x1x4xui8>
// CHECK: llmc.param @fc.codebook = dense_resource<fc.codebook> : tensor<1x4xf32>
// HALF: llmc.param @fc.q
// HALF: llmc.param @fc.codebook = dense_resource<fc.codebook> : tensor<2x4xf16>
// NF4: llmc.param @fc.q = dense_resource<fc.q> : tensor<2x2x4xui8>
// NF4: llmc.param @fc.scales = dense_resource<fc.scales> : tensor<2x2xf32>
// NF4-NOT: codebook
// ROWS: llmc.param @fc.scales = dense_resource<fc.scales> : tensor<2x1xf32>
// Scales of MX are exponents.
// MX: llmc.param @fc.q = dense_resource<fc.q> : tensor<2x1x24xui8>
// MX: llmc.param @fc.scales = dense_resource<fc.scales> : tensor<2x1x1xui8>
llmc.param @fc = dense<[
  [-2.0, -2.0, -2.0, -1.0, -1.0, 3.0, 3.0, 3.0,
   0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
  [0.0, 0.0, 0.0, 0.0, 3.0, 3.0, 3.0, 3.0,
   -1.0, -1.0, -1.0, -2.0, 0.0, 0.0, 0.0, 0.0]]> : tensor<2x16xf32>

// Stored as [in, out]: the transpose goes into the indices.
// CHECK: llmc.param @t.q
// CHECK: llmc.param @t.codebook
llmc.param @t = dense<[[0.0, 0.0], [1.0, 2.0], [2.0, 1.0], [1.0, 0.0],
                       [2.0, 5.0], [1.0, 2.0], [0.0, 0.0], [5.0, 0.0]]>
  : tensor<8x2xf32>

// An embedding that is a linear too stays one parameter.
// CHECK: llmc.param @head.q = dense_resource<head.q> : tensor<4x1x4xui8>
llmc.param @head = dense<[
  [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0,
   8.0],
  [8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0,
   1.0],
  [0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0,
   1.0],
  [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0,
   0.0]]> : tensor<4x16xf32>

// CHECK-LABEL: func.func @main
// CHECK: %[[W:.*]] = llmc.lookup %{{[0-9]+}}, %{{[0-9]+}} {bits = 2 : i64, block = 16 : i64, columns = 16 : i64} : (tensor<2x1x4xui8>, tensor<1x4xf32>) -> tensor<2x16xf32>
// CHECK: llmc.linear %{{.*}}, %[[W]]
// CHECK-NOT: llmc.transpose
// CHECK: llmc.lookup {{.*}} -> tensor<2x8xf32>
// CHECK: llmc.lookup {{.*}} -> tensor<4x16xf32>
// CHECK: llmc.embedding
// CHECK: llmc.linear
// HALF: %[[H:.*]] = llmc.weight @fc.codebook : tensor<2x4xf16>
// HALF: %[[C:.*]] = llmc.cast %[[H]] {to = f32}
// HALF: llmc.lookup %{{[0-9]+}}, %[[C]] {bits = 2
// NF4: %[[N:.*]] = llmc.constant dense<[-1.000000e+00, -0.696192{{[0-9]*}},
// NF4: llmc.lookup %{{[0-9]+}}, %[[N]], %{{[0-9]+}} {bits = 4 : i64, block = 8 : i64, columns = 16 : i64} : (tensor<2x2x4xui8>, tensor<16xf32>, tensor<2x2xf32>) -> tensor<2x16xf32>
// MX: %[[E:.*]] = llmc.weight @fc.scales : tensor<2x1x1xui8>
// MX: %[[T:.*]] = llmc.constant {{.*}} : tensor<256xf32>
// MX: %[[S:.*]] = llmc.lookup %[[E]], %[[T]] {bits = 8 : i64, block = 1 : i64, columns = 1 : i64} : (tensor<2x1x1xui8>, tensor<256xf32>) -> tensor<2x1xf32>
// MX: %[[V:.*]] = llmc.constant {{.*}} : tensor<64xf32>
// MX: llmc.lookup %{{[0-9]+}}, %[[V]], %[[S]] {bits = 6 : i64, block = 32 : i64, columns = 16 : i64} : (tensor<2x1x24xui8>, tensor<64xf32>, tensor<2x1xf32>) -> tensor<2x16xf32>
// Values of @fc ascend: -2 -1 0 3.
// CHECK: fc.q: "0x4000000040FDAAAAAAFF15AA"
func.func @main(%x: tensor<?x16xf32>, %v: tensor<?x8xf32>, %ids: tensor<?xi64>)
    -> (tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x4xf32>) {
  %w = llmc.weight @fc : tensor<2x16xf32>
  %y = llmc.linear %x, %w
     : (tensor<?x16xf32>, tensor<2x16xf32>) -> tensor<?x2xf32>
  %s = llmc.weight @t : tensor<8x2xf32>
  %t = llmc.transpose %s {perm = array<i64: 1, 0>}
     : (tensor<8x2xf32>) -> tensor<2x8xf32>
  %z = llmc.linear %v, %t
     : (tensor<?x8xf32>, tensor<2x8xf32>) -> tensor<?x2xf32>
  %h = llmc.weight @head : tensor<4x16xf32>
  %e = llmc.embedding %ids, %h
     : (tensor<?xi64>, tensor<4x16xf32>) -> tensor<?x16xf32>
  %l = llmc.linear %e, %h
     : (tensor<?x16xf32>, tensor<4x16xf32>) -> tensor<?x4xf32>
  return %y, %z, %l : tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x4xf32>
}
