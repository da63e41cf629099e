// RUN: llmc-opt %s --pass-pipeline='builtin.module(llmc-correct-error{method=svd rank=1 what=all quantize={llmc-quantize-rtn{bits=2 block=8}}})' | FileCheck %s
// RUN: llmc-opt %s --pass-pipeline='builtin.module(llmc-correct-error{method=svd rank=1 quantize={llmc-quantize-rtn{bits=2 block=8}} skip=e},llmc-quantize-rtn{bits=8 block=8 what=linear})' 2>/dev/null | FileCheck %s --check-prefix=AGAIN
// RUN: llmc-opt %s --pass-pipeline='builtin.module(llmc-correct-error{method=svd rank=1 quantize={llmc-quantize-rtn{bits=2 block=8}}})' --remark-policy=all --remark-format=emitRemark --remarks-filter=llmc-compress -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK
// RUN: llmc-opt %s --pass-pipeline='builtin.module(llmc-correct-error{method=svd rank=1 quantize={llmc-prune-magnitude{pattern=2:4},llmc-quantize-rtn{bits=4 block=8}}})' 2>/dev/null | FileCheck %s --check-prefix=PRUNED
// RUN: %python %S/../Inputs/make_statistics.py %t.safetensors fc=8
// RUN: llmc-opt %s --pass-pipeline='builtin.module(llmc-read-statistics{file=%t.safetensors},llmc-correct-error{rank=4 quantize={llmc-quantize-gptq{bits=2 block=8}}})' --remark-policy=all --remark-format=emitRemark --remarks-filter=llmc-compress -o /dev/null 2>&1 | FileCheck %s --check-prefix=EORA

// The grid of the first row is 0, 1, 2, 3: its errors, and those of no other
// row, are of rank 1.
// REMARK: llmc-correct-error | Category:llmc-compress | bytes_after={{[0-9]+}}, bytes_before={{[0-9]+}}, largest_error={{[0-9.]+}}e-{{0[789]|10}}, param=fc, rank=1, relative_error={{[0-9.]+}}e-{{0[89]|1[0-9]}}, weights=32
// All of four rows is in a correction of rank 4.
// EORA: llmc-correct-error{{.*}} output_error={{[0-9.]+}}e-{{0[6-9]|1[0-9]}}, param=fc, rank=4

// CHECK: llmc.param @fc.u = dense_resource<fc.u> : tensor<4x1xf32>
// CHECK-NEXT: llmc.param @fc.v = dense_resource<fc.v> : tensor<1x8xf32>
// CHECK-NEXT: llmc.param @fc.q
// AGAIN: llmc.param @fc.u = dense_resource<fc.u> : tensor<4x1xf32>
// AGAIN-NEXT: llmc.param @fc.v.q
// AGAIN-NOT: llmc.param @e.u
llmc.param @fc = dense<[
  [0.0, 1.2, 2.0, 3.0, 0.9, 0.1, 3.0, 2.0],
  [0.0, 1.0, 2.0, 3.0, 0.0, 0.0, 3.0, 3.0],
  [0.0, 2.0, 4.0, 6.0, 2.0, 0.0, 0.0, 0.0],
  [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]]> : tensor<4x8xf32>

llmc.param @e = dense<[
  [0.0, 1.2, 2.0, 3.0, 0.9, 0.1, 3.0, 2.0],
  [0.0, 1.2, 2.0, 3.0, 0.9, 0.1, 3.0, 2.0],
  [0.0, 1.2, 2.0, 3.0, 0.9, 0.1, 3.0, 2.0],
  [0.0, 1.2, 2.0, 3.0, 0.9, 0.1, 3.0, 2.0],
  [0.0, 1.2, 2.0, 3.0, 0.9, 0.1, 3.0, 2.0]]> : tensor<5x8xf32>

// PRUNED: llmc.densify
// PRUNED-NEXT: %[[Q:.*]] = llmc.dequantize
// PRUNED: llmc.linear %{{.*}}, %[[Q]], %
// PRUNED-NEXT: llmc.add

// CHECK-LABEL: func.func @main
// CHECK-SAME: (%[[X:[a-z0-9]+]]: tensor<?x8xf32>, %[[B:[a-z0-9]+]]: tensor<4xf32>, %[[IDS:.*]]: tensor<?xi64>)
// CHECK: %[[Q:.*]] = llmc.dequantize
// CHECK: %[[U:.*]] = llmc.weight @fc.u
// CHECK: %[[V:.*]] = llmc.weight @fc.v
// CHECK: %[[XV:.*]] = llmc.linear %[[X]], %[[V]]
// CHECK: %[[LOW:.*]] = llmc.linear %[[XV]], %[[U]] :
// CHECK: %[[REST:.*]] = llmc.linear %[[X]], %[[Q]], %[[B]] :
// CHECK: llmc.add %[[LOW]], %[[REST]]
// CHECK: %[[ROWS:.*]] = llmc.embedding %[[IDS]], %{{[0-9]+}} : {{.*}} -> tensor<?x8xf32>
// CHECK: llmc.embedding %[[IDS]], %{{[0-9]+}} : {{.*}} -> tensor<?x1xf32>
// CHECK: %[[LOW:.*]] = llmc.linear {{.*}} -> tensor<?x8xf32>
// CHECK: llmc.add %[[ROWS]], %[[LOW]]
// CHECK-NOT: llmc.original
func.func @main(%x: tensor<?x8xf32>, %b: tensor<4xf32>, %ids: tensor<?xi64>)
    -> (tensor<?x4xf32>, tensor<?x8xf32>) {
  %w = llmc.weight @fc : tensor<4x8xf32>
  %y = llmc.linear %x, %w, %b
     : (tensor<?x8xf32>, tensor<4x8xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  %e = llmc.weight @e : tensor<5x8xf32>
  %z = llmc.embedding %ids, %e
     : (tensor<?xi64>, tensor<5x8xf32>) -> tensor<?x8xf32>
  return %y, %z : tensor<?x4xf32>, tensor<?x8xf32>
}
