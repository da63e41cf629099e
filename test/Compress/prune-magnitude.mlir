// RUN: llmc-opt %s --split-input-file -llmc-prune-magnitude="sparsity=0.75" | FileCheck %s
// RUN: llmc-opt %s --split-input-file -llmc-prune-magnitude="pattern=2:4" | FileCheck %s --check-prefix=NM
// RUN: llmc-opt %s --split-input-file -llmc-prune-magnitude="pattern=block:2x4" | FileCheck %s --check-prefix=BLOCK
// RUN: llmc-opt %s --split-input-file -llmc-prune-magnitude="sparsity=0.75 scope=row store=dense" | FileCheck %s --check-prefix=DENSE
// RUN: llmc-opt %s --split-input-file -llmc-prune-magnitude="pattern=2:4" --remark-policy=all --remark-format=emitRemark --remarks-filter=llmc-compress -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// REMARK: bytes_after=34, bytes_before=64, largest_error=2.000000e+00, param=fc, pattern=2:4, relative_error={{.*}}, sparsity=5.000000e-01, weights=16

// The four largest of 16 are 8, 7, -6 and 5: columns 0 and 3 of the first row
// are bits 9, columns 2 and 7 of the second 132.

// CHECK: llmc.param @fc.values = dense_resource<fc.values> : tensor<4xf32>
// CHECK: llmc.param @fc.mask = dense_resource<fc.mask> : tensor<2x1xui8>
// CHECK: llmc.param @fc.starts = dense_resource<fc.starts> : tensor<2xi32>
// CHECK-NOT: llmc.param
// NM: llmc.param @fc.values = dense_resource<fc.values> : tensor<2x4xf32>
// NM: llmc.param @fc.meta = dense_resource<fc.meta> : tensor<2x1xui8>
// NM-NOT: llmc.param
// BLOCK: llmc.param @fc.values = dense_resource<fc.values> : tensor<8xf32>
// BLOCK: llmc.param @fc.mask = dense_resource<fc.mask> : tensor<1x1xui8>
// BLOCK: llmc.param @fc.starts = dense_resource<fc.starts> : tensor<1xi32>
// DENSE: llmc.param @fc = dense_resource<fc> : tensor<2x8xf32>
llmc.param @fc = dense<[[8.0, 0.5, 1.0, 7.0, 2.0, -1.0, 0.0, 3.0],
                        [-2.0, 4.0, -6.0, 0.25, 1.0, -3.0, 2.0, 5.0]]>
  : tensor<2x8xf32>

// CHECK-LABEL: func.func @main
// CHECK: %[[V:.*]] = llmc.weight @fc.values : tensor<4xf32>
// CHECK: %[[M:.*]] = llmc.weight @fc.mask : tensor<2x1xui8>
// CHECK: %[[S:.*]] = llmc.weight @fc.starts : tensor<2xi32>
// CHECK: %[[W:.*]] = llmc.densify_bitmap %[[V]], %[[M]], %[[S]] {columns = 8 : i64} : (tensor<4xf32>, tensor<2x1xui8>, tensor<2xi32>) -> tensor<2x8xf32>
// CHECK: llmc.linear %{{.*}}, %[[W]]
// CHECK: fc.values: "0x40000000000000410000E0400000C0C00000A040"
// CHECK: fc.mask: "0x400000000984"
// CHECK: fc.starts: "0x400000000000000002000000"

// NM: %[[V:.*]] = llmc.weight @fc.values : tensor<2x4xf32>
// NM: %[[M:.*]] = llmc.weight @fc.meta : tensor<2x1xui8>
// NM: llmc.densify %[[V]], %[[M]] {pattern = "2:4"} : (tensor<2x4xf32>, tensor<2x1xui8>) -> tensor<2x8xf32>
// Places 0 3 0 3 and 1 2 1 3.
// NM: fc.values: "0x40000000000000410000E04000000040000040400000804000{{.*}}"
// NM: fc.meta: "0x40000000CCD9"

// The right half has smaller squares.
// BLOCK: llmc.densify_bitmap {{.*}} {columns = 8 : i64, tile = array<i64: 2, 4>}
// BLOCK: fc.mask: "0x4000000001"

// Two of each row.
// DENSE: llmc.linear
// DENSE: fc: "0x400000000000004100000000000000000000E0400000000000000000000000000000000000000000000000000000C0C0000000000000000000000000000000000000A040"
func.func @main(%x: tensor<?x8xf32>) -> tensor<?x2xf32> {
  %w = llmc.weight @fc : tensor<2x8xf32>
  %y = llmc.linear %x, %w
     : (tensor<?x8xf32>, tensor<2x8xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// Stored as [in, out]: rows are the outputs all the same, and dense weights
// keep their order. What `what` does not name is not touched.

// CHECK: llmc.param @table = dense<
// CHECK: llmc.param @t.values = dense_resource<{{.*}}> : tensor<4xf32>
// DENSE: llmc.param @t = {{.*}} : tensor<8x2xf32>
llmc.param @table = dense<1.0> : tensor<4x8xf32>
llmc.param @t = dense<[[8.0, 1.0], [1.0, 8.0], [2.0, 1.0], [1.0, 7.0],
                       [7.0, 1.0], [2.0, 1.0], [2.0, 1.0], [0.0, 2.0]]>
  : tensor<8x2xf32>

// CHECK-NOT: llmc.transpose
// DENSE: llmc.transpose
// Two and two of the second dimension.
// DENSE: t: "0x40000000000000410000000000000000000000410000000000000000000000000000E0400000E04000000000000000000000000000000000000000000000000000000000"
func.func @main(%ids: tensor<?xi64>) -> tensor<?x2xf32> {
  %e = llmc.weight @table : tensor<4x8xf32>
  %x = llmc.embedding %ids, %e
     : (tensor<?xi64>, tensor<4x8xf32>) -> tensor<?x8xf32>
  %w = llmc.weight @t : tensor<8x2xf32>
  %t = llmc.transpose %w {perm = array<i64: 1, 0>}
     : (tensor<8x2xf32>) -> tensor<2x8xf32>
  %y = llmc.linear %x, %t
     : (tensor<?x8xf32>, tensor<2x8xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}
