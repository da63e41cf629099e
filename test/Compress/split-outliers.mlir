// RUN: %python %S/../Inputs/make_statistics.py %t.safetensors q,k=8 other=8
// RUN: llmc-opt %s --llmc-read-statistics=file=%t.safetensors --llmc-split-outliers="threshold=0 columns=2" | FileCheck %s
// RUN: llmc-opt %s --llmc-read-statistics=file=%t.safetensors --llmc-split-outliers="threshold=0 columns=2" --llmc-quantize-rtn="bits=8 block=0 strict" --llmc-quantize-activations | FileCheck %s --check-prefix=QUANTIZED
// RUN: llmc-opt %s --llmc-read-statistics=file=%t.safetensors --llmc-split-outliers="columns=2 skip=^[qk] type=f32" | FileCheck %s --check-prefix=SKIP
// RUN: llmc-opt %s --llmc-read-statistics=file=%t.safetensors --llmc-split-outliers=threshold=1e6 --remark-policy=all --remark-format=emitRemark --remarks-filter=llmc-compress -o %t.mlir 2>&1 | FileCheck %s --check-prefix=NONE
// RUN: FileCheck %s --check-prefix=UNCHANGED --input-file=%t.mlir

// Linears over one value share both parts of it; the bias is added once.
// CHECK: llmc.param @q.outliers = {{.*}} : tensor<4x2xf16> {llmc.kept}
// CHECK: llmc.param @k.outliers = {{.*}} : tensor<4x2xf16> {llmc.kept}
// CHECK: llmc.param @other.outliers = {{.*}} : tensor<8x2xf16> {llmc.kept}
// CHECK-LABEL: func.func @main(
// CHECK-SAME: %[[X:.*]]: tensor<?x?x8xf32>, %[[Z:.*]]: tensor<?x?x8xf32>)
// CHECK: %[[I:.*]] = llmc.constant dense<[{{[0-7]}}, {{[0-7]}}]> : tensor<2xi64>
// CHECK: %[[M:.*]] = llmc.constant dense<[{{[01]}}.000000e+00, {{.*}}]> : tensor<8xf32>
// CHECK: llmc.gather %[[Z]], %[[I]] {axis = 2 : i64}
// CHECK: llmc.mul %[[Z]], %[[M]]
// CHECK: %[[O:.*]] = llmc.gather %[[X]], %{{.*}} {axis = 2 : i64}
// CHECK: %[[R:.*]] = llmc.mul %[[X]],
// CHECK: %[[H:.*]] = llmc.weight @q.outliers
// CHECK: %[[W:.*]] = llmc.cast %[[H]] {to = f32}
// CHECK: %[[A:.*]] = llmc.linear %[[R]], %{{[^,]*}}, %{{.*}} : (tensor<?x?x8xf32>, tensor<4x8xf32>, tensor<4xf32>)
// CHECK: %[[B:.*]] = llmc.linear %[[O]], %[[W]] : (tensor<?x?x2xf32>, tensor<4x2xf32>)
// CHECK: llmc.add %[[A]], %[[B]]
// CHECK: llmc.linear %[[R]],
// CHECK: llmc.linear %[[O]],

// What stays floats is neither quantized nor rounded, without a word.
// QUANTIZED: llmc.param @q.outliers {{.*}} : tensor<4x2xf16>
// QUANTIZED: llmc.param @q.q
// QUANTIZED: %[[X:.*]]: tensor<?x?x8xf32>, %
// QUANTIZED: %[[O:.*]] = llmc.gather %[[X]]
// QUANTIZED: %[[R:.*]] = llmc.mul %[[X]]
// QUANTIZED: llmc.quantize_dynamic %[[R]] {block = 8 : i64}
// QUANTIZED: llmc.linear %[[O]], %{{.*}} : (tensor<?x?x2xf32>, tensor<4x2xf32>)

// SKIP-NOT: @q.outliers
// SKIP: llmc.param @other.outliers {{.*}} : tensor<8x{{[12]}}xf32>
// SKIP-NOT: llmc.cast

// NONE: remark: {{.}}Passed] llmc-split-outliers | Category:llmc-compress | columns=8, largest=0.000000e+00, largest_left={{.*}}, outliers=0, param=q
// UNCHANGED-NOT: outliers
// UNCHANGED-COUNT-3: llmc.linear
// UNCHANGED-NOT: llmc.add
llmc.param @q = dense<1.0> : tensor<4x8xf32>
llmc.param @k = dense<2.0> : tensor<8x4xf32>
llmc.param @b = dense<3.0> : tensor<4xf32>
llmc.param @other = dense<1.0> : tensor<8x8xf32>
func.func @main(%x: tensor<?x?x8xf32>, %z: tensor<?x?x8xf32>) -> (tensor<?x?x4xf32>, tensor<?x?x4xf32>, tensor<?x?x8xf32>) {
  %q = llmc.weight @q : tensor<4x8xf32>
  %b = llmc.weight @b : tensor<4xf32>
  %k = llmc.weight @k : tensor<8x4xf32>
  %t = llmc.transpose %k {perm = array<i64: 1, 0>} : (tensor<8x4xf32>) -> tensor<4x8xf32>
  %o = llmc.weight @other : tensor<8x8xf32>
  %0 = llmc.linear %x, %q, %b : (tensor<?x?x8xf32>, tensor<4x8xf32>, tensor<4xf32>) -> tensor<?x?x4xf32>
  %1 = llmc.linear %x, %t : (tensor<?x?x8xf32>, tensor<4x8xf32>) -> tensor<?x?x4xf32>
  %2 = llmc.linear %z, %o : (tensor<?x?x8xf32>, tensor<8x8xf32>) -> tensor<?x?x8xf32>
  return %0, %1, %2 : tensor<?x?x4xf32>, tensor<?x?x4xf32>, tensor<?x?x8xf32>
}
