// RUN: %python %S/../Inputs/make_statistics.py %t.safetensors a,b=8 c=8
// RUN: llmc-opt %s --llmc-read-statistics=file=%t.safetensors --llmc-quantize-rtn="bits=8 block=4 skip=^[bc]" --llmc-quantize-rtn="bits=8 block=0" --llmc-quantize-activations=mode=static -o %t.mlir
// RUN: FileCheck %s --input-file=%t.mlir
// RUN: llmc-opt %t.mlir --llmc-quantize-activations=mode=static --llmc-quantize-activations | FileCheck %s
// RUN: llmc-opt %s --llmc-read-statistics=file=%t.safetensors --llmc-quantize-rtn="bits=8 block=0" --llmc-quantize-activations="mode=static skip=^[ab]" | FileCheck %s --check-prefix=SKIP

// Linears over one value share what is rounded, whatever the blocks of their
// weights are; nothing is rounded twice.
// CHECK-LABEL: func.func @main(
// CHECK-SAME: %[[X:.*]]: tensor<?x8xf32>)
// CHECK-DAG: %[[S:.*]] = llmc.constant dense<{{.*}}> : tensor<f32>
// CHECK-DAG: %[[Z:.*]] = llmc.constant dense<128> : tensor<ui8>
// CHECK: %[[Q:.*]] = llmc.quantize_linear %[[X]], %[[S]], %[[Z]]
// CHECK-SAME: precision = f32, to = ui8
// CHECK: %[[A:.*]] = llmc.dequantize_linear %[[Q]], %[[S]], %[[Z]] {to = f32}
// CHECK-NOT: llmc.quantize
// CHECK: llmc.linear %[[A]], %{{.*}}
// CHECK: %[[H:.*]] = llmc.linear %[[A]], %{{.*}}
// CHECK: llmc.quantize_linear %[[H]]
// CHECK: %[[B:.*]] = llmc.dequantize_linear
// CHECK: llmc.linear %[[B]], %{{.*}}
// CHECK-NOT: llmc.quantize
// SKIP: %[[X:.*]]: tensor<?x8xf32>)
// SKIP: llmc.linear %[[X]],
// SKIP: %[[H:.*]] = llmc.linear %[[X]],
// SKIP: llmc.quantize_linear %[[H]]
llmc.param @a = dense<1.0> : tensor<2x8xf32>
llmc.param @b = dense<1.0> : tensor<8x8xf32>
llmc.param @c = dense<1.0> : tensor<2x8xf32>
func.func @main(%x: tensor<?x8xf32>) -> (tensor<?x2xf32>, tensor<?x2xf32>) {
  %a = llmc.weight @a : tensor<2x8xf32>
  %b = llmc.weight @b : tensor<8x8xf32>
  %c = llmc.weight @c : tensor<2x8xf32>
  %y = llmc.linear %x, %a : (tensor<?x8xf32>, tensor<2x8xf32>) -> tensor<?x2xf32>
  %h = llmc.linear %x, %b : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  %z = llmc.linear %h, %c : (tensor<?x8xf32>, tensor<2x8xf32>) -> tensor<?x2xf32>
  return %y, %z : tensor<?x2xf32>, tensor<?x2xf32>
}
