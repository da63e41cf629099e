// RUN: llmc-opt %s --llmc-quantize-scales | FileCheck %s
// RUN: llmc-opt %s --llmc-quantize-scales=type=f16 \
// RUN:   | FileCheck %s --check-prefix=HALF
// RUN: llmc-opt %s --llmc-quantize-scales=skip=s \
// RUN:   | FileCheck %s --check-prefix=SKIP
// RUN: llmc-opt %s --llmc-quantize-scales -o %t.mlir
// RUN: llmc-run %t.mlir --input 'x=dense<1.0> : tensor<1x48xf32>' \
// RUN:   | FileCheck %s --check-prefix=SUM
// RUN: llmc-run %t.mlir --load-backend=cpu \
// RUN:   --input 'x=dense<1.0> : tensor<1x48xf32>' \
// RUN:   | FileCheck %s --check-prefix=SUM

// The number of the first row is 510 / 255 = 2; that of the second, 3 / 255, is
// rounded up to 7/512. The last scale of each row is too small and becomes 1 of
// them.
// CHECK-DAG: llmc.param @s.q = dense_resource<s.q> : tensor<2x3xui8>
// CHECK-DAG: llmc.param @s.rows = dense_resource<s.rows> : tensor<2x1xf16>
// CHECK-NOT: llmc.param @s =
// CHECK: %[[Q:.*]] = llmc.weight @q
// CHECK: %[[R:.*]] = llmc.cast %{{.*}} {to = f32} : (tensor<2x1xf16>)
// CHECK: %[[C:.*]] = llmc.cast %{{.*}} {to = f32} : (tensor<2x3xui8>)
// CHECK: %[[S:.*]] = llmc.mul %[[C]], %[[R]]
// CHECK: llmc.dequantize %[[Q]], %[[S]]
// HALF: llmc.param @s.half = dense_resource<s.half> : tensor<2x3xf16>
// HALF: %[[S:.*]] = llmc.cast %{{.*}} {to = f32} : (tensor<2x3xf16>) -> tensor<2x3xf32>
// HALF: llmc.dequantize %{{.*}}, %[[S]]
// SKIP: llmc.param @s = {{.*}} : tensor<2x3xf32>

// Codes are 1 above their zero, so that a row is 16 times its scales:
// 16 * (510 + 256 + 2) and 16 * (219 + 110 + 1) * 7/512.
// SUM: {{.*}}[1.228800e+04, 7.218750e+01]

llmc.param @q = dense<0x99> : tensor<2x3x8xui8>
llmc.param @s = dense<[[510.0, 257.0, 0.5], [3.0, 1.5, 0.001]]> : tensor<2x3xf32>
func.func @main(%x: tensor<?x48xf32> {llmc.name = "x"}) -> tensor<?x2xf32> {
  %q = llmc.weight @q : tensor<2x3x8xui8>
  %s = llmc.weight @s : tensor<2x3xf32>
  %w = llmc.dequantize %q, %s {bits = 4 : i64, block = 16 : i64, columns = 48 : i64}
     : (tensor<2x3x8xui8>, tensor<2x3xf32>) -> tensor<2x48xf32>
  %y = llmc.linear %x, %w : (tensor<?x48xf32>, tensor<2x48xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}
