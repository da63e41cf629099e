// Without a cache, keys and values are read where linears left them, and not
// copied into heads first.

// RUN: llmc-opt %s --load-backend=cpu --target=cpu:x86-64-v3 --llmc-claim-kernels | FileCheck %s

// CHECK: llmc.kernel @attention_0
// CHECK-SAME: keys_transposed = true
// CHECK-SAME: values_transposed = false
// CHECK-LABEL: func.func @main(
// CHECK-SAME: %[[Q:arg[0-9]+]]: tensor<?x4x?x16xf32>
// CHECK-SAME: %[[K:arg[0-9]+]]: tensor<?x?x2x16xf32>
// CHECK-SAME: %[[V:arg[0-9]+]]: tensor<?x2x?x16xf32>
// CHECK-NOT: llmc.transpose
// CHECK: llmc.launch @attention_0 ins(%[[Q]], %[[K]], %[[V]] :

!heads = tensor<?x2x?x16xf32>

func.func @main(
    %q: tensor<?x4x?x16xf32> {llmc.name = "q", llmc.dims = ["b", "", "s", ""]},
    %k: tensor<?x?x2x16xf32> {llmc.name = "k", llmc.dims = ["b", "t", "", ""]},
    %v: !heads {llmc.name = "v", llmc.dims = ["b", "", "t", ""]})
    -> (tensor<?x4x?x16xf32> {llmc.name = "y"}) {
  %kt = llmc.transpose %k {perm = array<i64: 0, 2, 1, 3>} : (tensor<?x?x2x16xf32>) -> !heads
  %y = llmc.attention %q, %kt, %v {scale = 0.25 : f32} : (tensor<?x4x?x16xf32>, !heads, !heads) -> tensor<?x4x?x16xf32>
  return %y : tensor<?x4x?x16xf32>
}
