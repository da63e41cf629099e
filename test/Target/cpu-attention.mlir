// One kernel takes all that is between the linears of a layer and attention: the
// norm of each head, the rotation and what is written to the cache.

// RUN: llmc-opt %s --load-backend=cpu --target=cpu:x86-64-v3 --llmc-claim-kernels | FileCheck %s

// CHECK: llmc.kernel @attention_0
// CHECK-SAME: new_keys = {hadamard = 0 : i64, interleaved = false, norm = {bias = true, epsilon = {{[^ ]*}} : f32, kind = "layer"}, rotated = 16 : i64, tables_have_batch = false, transposed = true}
// CHECK-SAME: new_values = {hadamard = 0 : i64, interleaved = false, norm = {bias = false, epsilon = {{[^ ]*}} : f32, kind = "none"}, rotated = 0 : i64, tables_have_batch = false, transposed = true}
// CHECK-SAME: query = {hadamard = 0 : i64, interleaved = false, norm = {bias = false, epsilon = {{[^ ]*}} : f32, kind = "rms"}, rotated = 16 : i64, tables_have_batch = false, transposed = true}

// CHECK-LABEL: func.func @main(
// CHECK-SAME: %[[Q:arg[0-9]+]]: tensor<?x?x4x16xf32>
// CHECK-SAME: %[[K:arg[0-9]+]]: tensor<?x?x2x16xf32>
// CHECK-SAME: %[[V:arg[0-9]+]]: tensor<?x?x2x16xf32>
// CHECK-SAME: %[[COS:arg[0-9]+]]: tensor<1x?x8xf32>
// CHECK-SAME: %[[SIN:arg[0-9]+]]: tensor<1x?x8xf32>
// CHECK-DAG: %[[QNORM:.*]] = llmc.weight @q_norm
// CHECK-DAG: %[[KNORM:.*]] = llmc.weight @k_norm
// CHECK-DAG: %[[BIAS:.*]] = llmc.weight @k_bias
// CHECK-NOT: llmc.rope
// CHECK-NOT: _norm
// CHECK: llmc.launch @attention_0 ins(%[[Q]], %[[QNORM]], %[[COS]], %[[SIN]], %[[K]], %[[KNORM]], %[[BIAS]], %[[COS]], %[[SIN]], %[[V]], %{{.*}} :
// CHECK-NOT: llmc.rope
// CHECK-NOT: llmc.launch

llmc.param @q_norm = dense<1.0> : tensor<16xf32>
llmc.param @k_norm = dense<1.0> : tensor<16xf32>
llmc.param @k_bias = dense<1.0> : tensor<16xf32>

!table = tensor<1x?x8xf32>
!rows = tensor<?x2x?x16xf32>

func.func @main(
    %q: tensor<?x?x4x16xf32> {llmc.name = "q", llmc.dims = ["b", "s", "", ""]},
    %k: tensor<?x?x2x16xf32> {llmc.name = "k", llmc.dims = ["b", "s", "", ""]},
    %v: tensor<?x?x2x16xf32> {llmc.name = "v", llmc.dims = ["b", "s", "", ""]},
    %cos: !table {llmc.name = "cos", llmc.dims = ["", "s", ""]},
    %sin: !table {llmc.name = "sin", llmc.dims = ["", "s", ""]},
    %keys: !rows {llmc.name = "keys", llmc.dims = ["b", "", "c", ""]},
    %values: !rows {llmc.name = "values", llmc.dims = ["b", "", "c", ""]},
    %past: tensor<i64> {llmc.name = "past", llmc.size})
    -> (tensor<?x4x?x16xf32> {llmc.name = "y"}, !rows {llmc.name = "new_keys"},
        !rows {llmc.name = "new_values"}) {
  %shape = llmc.shape %q {start = 1 : i64, end = 2 : i64} : (tensor<?x?x4x16xf32>) -> tensor<1xi64>
  %count = llmc.squeeze %shape {axes = array<i64: 0>} : (tensor<1xi64>) -> tensor<i64>
  %length = llmc.add %past, %count : (tensor<i64>, tensor<i64>) -> tensor<i64>
  // The norm is before the transpose or behind it.
  %qs = llmc.weight @q_norm : tensor<16xf32>
  %qn = llmc.rms_norm %q, %qs {epsilon = 1.0e-6 : f32} : (tensor<?x?x4x16xf32>, tensor<16xf32>) -> tensor<?x?x4x16xf32>
  %qt = llmc.transpose %qn {perm = array<i64: 0, 2, 1, 3>} : (tensor<?x?x4x16xf32>) -> tensor<?x4x?x16xf32>
  %qr = llmc.rope %qt, %cos, %sin : (tensor<?x4x?x16xf32>, !table, !table) -> tensor<?x4x?x16xf32>
  %ks = llmc.weight @k_norm : tensor<16xf32>
  %kb = llmc.weight @k_bias : tensor<16xf32>
  %kt = llmc.transpose %k {perm = array<i64: 0, 2, 1, 3>} : (tensor<?x?x2x16xf32>) -> !rows
  %kn = llmc.layer_norm %kt, %ks, %kb {axis = 3 : i64, epsilon = 1.0e-6 : f32} : (!rows, tensor<16xf32>, tensor<16xf32>) -> !rows
  %kr = llmc.rope %kn, %cos, %sin : (!rows, !table, !table) -> !rows
  %vt = llmc.transpose %v {perm = array<i64: 0, 2, 1, 3>} : (tensor<?x?x2x16xf32>) -> !rows
  %k1 = llmc.tensor_scatter %keys, %kr, %past {axis = 2 : i64} : (!rows, !rows, tensor<i64>) -> !rows
  %v1 = llmc.tensor_scatter %values, %vt, %past {axis = 2 : i64} : (!rows, !rows, tensor<i64>) -> !rows
  %kp = llmc.prefix %k1, %length {axis = 2 : i64} : (!rows, tensor<i64>) -> !rows
  %vp = llmc.prefix %v1, %length {axis = 2 : i64} : (!rows, tensor<i64>) -> !rows
  %y = llmc.attention %qr, %kp, %vp {causal, scale = 0.25 : f32} : (tensor<?x4x?x16xf32>, !rows, !rows) -> tensor<?x4x?x16xf32>
  return %y, %k1, %v1 : tensor<?x4x?x16xf32>, !rows, !rows
}
