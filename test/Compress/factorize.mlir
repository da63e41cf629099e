// RUN: llmc-opt %s -llmc-factorize="method=svd rank=1 what=all" | FileCheck %s
// RUN: llmc-opt %s -llmc-factorize="method=svd rank=1 what=all" --remark-policy=all --remark-format=emitRemark --remarks-filter=llmc-compress -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK
// RUN: llmc-opt %s -llmc-factorize="method=svd energy=0.89 skip=t|e" --remark-policy=all --remark-format=emitRemark --remarks-filter=llmc-compress -o /dev/null 2>&1 | FileCheck %s --check-prefix=ENERGY
// RUN: llmc-opt %s -llmc-factorize="method=svd rank=1 what=all" -llmc-cast-weights | FileCheck %s --check-prefix=CAST
// RUN: %python %S/../Inputs/make_statistics.py %t.safetensors fc,bias=8 t=4
// RUN: llmc-opt %s -llmc-read-statistics=file=%t.safetensors -llmc-factorize="method=asvd ratio=0.9" -llmc-quantize-gptq="bits=8 block=0 skip=[.]u" | FileCheck %s --check-prefix=GPTQ
// RUN: llmc-opt %s -llmc-read-statistics=file=%t.safetensors -llmc-factorize="ratio=0.6 scope=global damping=0" --remark-policy=all --remark-format=emitRemark --remarks-filter=llmc-compress -o /dev/null 2>&1 | FileCheck %s --check-prefix=GLOBAL

// Matrices of rank 1 lose nothing.
// REMARK-DAG: bytes_after=48, bytes_before=128, largest_error={{[0-9.]+}}e-0{{[67]}}, param=fc, rank=1, relative_error={{[0-9.]+}}e-0{{[78]}}, weights=32
// REMARK-DAG: param=t, rank=1,
// REMARK-DAG: param=e, rank=1,
// REMARK-DAG: param=tied, rank=1,

// Rank 1 has all of @fc and 9 of the 10 parts of @bias: 3^2 / (3^2 + 1^2).
// ENERGY-DAG: param=fc, rank=1,
// ENERGY-DAG: param=bias, rank=1, relative_error=3.162278e-01

// The statistics of @fc are those of @fc.v.
// GPTQ: llmc.param @fc.v.q
// GPTQ: llmc.param @bias.v.q

// 108 numbers: what @fc and @t lose is nothing at rank 1; @bias has 2.
// GLOBAL-DAG: output_error={{[0-9.]+}}e-0{{[3-8]}}, param=fc, rank=1,
// GLOBAL-DAG: param=bias, rank=2,
// GLOBAL-DAG: param=t, rank=1,

// CHECK: llmc.param @fc.u = dense_resource<fc.u> : tensor<4x1xf32>
// CHECK: llmc.param @fc.v = dense_resource<fc.v> : tensor<1x8xf32>
// CAST: llmc.param @fc.u = dense_resource<fc.u{{.*}}> : tensor<4x1xbf16>
// CAST: llmc.param @fc.v = dense_resource<fc.v{{.*}}> : tensor<1x8xbf16>
llmc.param @fc = dense<[
  [ 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0],
  [ 2.0, 4.0, 6.0, 8.0,10.0,12.0,14.0,16.0],
  [ 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
  [-1.0,-2.0,-3.0,-4.0,-5.0,-6.0,-7.0,-8.0]]> : tensor<4x8xf32>

// Singular values 3 and 1.
llmc.param @bias = dense<[
  [ 0.0, 3.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
  [ 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
  [ 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0],
  [ 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]]> : tensor<4x8xf32>

// Stored as [in, out]: factors are not.
// CHECK: llmc.param @t.u = dense_resource<t.u> : tensor<3x1xf16>
// CHECK: llmc.param @t.v = dense_resource<t.v> : tensor<1x4xf16>
llmc.param @t = dense<[[0.0, 0.0, 0.0], [1.0, 2.0, 3.0], [2.0, 4.0, 6.0],
                       [3.0, 6.0, 9.0]]> : tensor<4x3xf16>

llmc.param @e = dense<2.0> : tensor<5x8xf32>
llmc.param @tied = dense<1.0> : tensor<5x8xf32>

// CHECK-LABEL: func.func @linears
// CHECK-SAME: (%[[X:[a-z0-9]+]]: tensor<?x8xf32>, %[[B:[a-z0-9]+]]: tensor<4xf32>
// CHECK: %[[V:.*]] = llmc.weight @fc.v
// CHECK: %[[XV:.*]] = llmc.linear %[[X]], %[[V]] : (tensor<?x8xf32>, tensor<1x8xf32>) -> tensor<?x1xf32>
// CHECK: llmc.linear %[[XV]], %{{[0-9]+}} : (tensor<?x1xf32>, tensor<4x1xf32>) -> tensor<?x4xf32>
// CHECK: %[[XV2:.*]] = llmc.linear %[[X]], %{{[0-9]+}} : (tensor<?x8xf32>, tensor<1x8xf32>) -> tensor<?x1xf32>
// CHECK: llmc.linear %[[XV2]], %{{[0-9]+}}, %[[B]] :
// CHECK-NOT: llmc.transpose
// CHECK: llmc.linear %{{.*}} : (tensor<?x1xf16>, tensor<3x1xf16>) -> tensor<?x3xf16>
// CHECK-NOT: llmc.matmul
// CHECK: return
func.func @linears(%x: tensor<?x8xf32>, %b: tensor<4xf32>, %h: tensor<?x4xf16>)
    -> (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x3xf16>) {
  %w = llmc.weight @fc : tensor<4x8xf32>
  %y = llmc.linear %x, %w
     : (tensor<?x8xf32>, tensor<4x8xf32>) -> tensor<?x4xf32>
  %v = llmc.weight @bias : tensor<4x8xf32>
  %z = llmc.linear %x, %v, %b
     : (tensor<?x8xf32>, tensor<4x8xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  %s = llmc.weight @t : tensor<4x3xf16>
  %t = llmc.transpose %s {perm = array<i64: 1, 0>}
     : (tensor<4x3xf16>) -> tensor<3x4xf16>
  %u = llmc.linear %h, %t
     : (tensor<?x4xf16>, tensor<3x4xf16>) -> tensor<?x3xf16>
  return %y, %z, %u : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x3xf16>
}

// Rows of u are looked up; a head shares both factors with its embedding.
// CHECK-LABEL: func.func @embeddings
// CHECK-SAME: (%[[IDS:.*]]: tensor<?xi64>)
// CHECK: %[[ROWS:.*]] = llmc.embedding %[[IDS]], %{{[0-9]+}} : (tensor<?xi64>, tensor<5x1xf32>) -> tensor<?x1xf32>
// CHECK: %[[TURNED:.*]] = llmc.transpose %{{[0-9]+}} {perm = array<i64: 1, 0>} : (tensor<1x8xf32>) -> tensor<8x1xf32>
// CHECK: llmc.linear %[[ROWS]], %[[TURNED]]
// CHECK: %[[U:.*]] = llmc.weight @tied.u
// CHECK: %[[V:.*]] = llmc.weight @tied.v
// CHECK: %[[ROWS:.*]] = llmc.embedding %[[IDS]], %[[U]]
// CHECK: %[[TURNED:.*]] = llmc.transpose %[[V]]
// CHECK: %[[X:.*]] = llmc.linear %[[ROWS]], %[[TURNED]]
// CHECK: %[[XV:.*]] = llmc.linear %[[X]], %[[V]]
// CHECK: llmc.linear %[[XV]], %[[U]]
func.func @embeddings(%ids: tensor<?xi64>)
    -> (tensor<?x8xf32>, tensor<?x5xf32>) {
  %e = llmc.weight @e : tensor<5x8xf32>
  %y = llmc.embedding %ids, %e
     : (tensor<?xi64>, tensor<5x8xf32>) -> tensor<?x8xf32>
  %h = llmc.weight @tied : tensor<5x8xf32>
  %x = llmc.embedding %ids, %h
     : (tensor<?xi64>, tensor<5x8xf32>) -> tensor<?x8xf32>
  %l = llmc.linear %x, %h
     : (tensor<?x8xf32>, tensor<5x8xf32>) -> tensor<?x5xf32>
  return %y, %l : tensor<?x8xf32>, tensor<?x5xf32>
}
