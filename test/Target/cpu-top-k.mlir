// RUN: llmc-opt %s --load-backend=cpu --llmc-claim-kernels \
// RUN:   -verify-diagnostics | FileCheck %s

// The largest few of the last dimension of f32 are a kernel's, whatever the rank
// is; equal ones share it. Others are remarks.
// CHECK: llmc.kernel @top_k_0 by "cpu" kind "top_k" {config = {columns = 512 : i64, count = 5 : i64, rank = 3 : i64}}
// CHECK-NOT: llmc.kernel
// CHECK-LABEL: func.func @main(
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x?x512xf32>
// CHECK-DAG: llmc.launch @top_k_0 ins(%[[X]] :{{.*}}) outs({{.*}} : tensor<?x?x5xf32>, tensor<?x?x5xi64>)
// CHECK-DAG: llmc.top_k {{.*}} {axis = 0 : i64}
// CHECK-DAG: llmc.top_k {{.*}}, smallest}
func.func @main(%x: tensor<?x?x512xf32>)
    -> (tensor<?x?x5xf32>, tensor<?x?x5xi64>, tensor<5x?x512xf32>, tensor<5x?x512xi64>,
        tensor<?x?x5xf32>, tensor<?x?x5xi64>) {
  %k = llmc.constant dense<5> : tensor<1xi64>
  %0:2 = llmc.top_k %x, %k {axis = 2 : i64} : (tensor<?x?x512xf32>, tensor<1xi64>) -> (tensor<?x?x5xf32>, tensor<?x?x5xi64>)
  // expected-remark @+1 {{no backend claims this op: it runs through the reference lowering}}
  %1:2 = llmc.top_k %x, %k {axis = 0 : i64} : (tensor<?x?x512xf32>, tensor<1xi64>) -> (tensor<5x?x512xf32>, tensor<5x?x512xi64>)
  // expected-remark @+1 {{no backend claims this op: it runs through the reference lowering}}
  %2:2 = llmc.top_k %x, %k {axis = 2 : i64, smallest} : (tensor<?x?x512xf32>, tensor<1xi64>) -> (tensor<?x?x5xf32>, tensor<?x?x5xi64>)
  return %0#0, %0#1, %1#0, %1#1, %2#0, %2#1 : tensor<?x?x5xf32>, tensor<?x?x5xi64>, tensor<5x?x512xf32>, tensor<5x?x512xi64>, tensor<?x?x5xf32>, tensor<?x?x5xi64>
}
