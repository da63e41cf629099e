// RUN: llmc-opt %s --llmc-quantize-scales=strict | FileCheck %s
// RUN: llmc-opt %s --llmc-quantize-scales -o %t.mlir
// RUN: llmc-run %t.mlir --input 'x=dense<1.0> : tensor<1x48xf32>' \
// RUN:   | FileCheck %s --check-prefix=SUM
// RUN: llmc-run %t.mlir --load-backend=cpu \
// RUN:   --input 'x=dense<1.0> : tensor<1x48xf32>' \
// RUN:   | FileCheck %s --check-prefix=SUM

// The number of the first row is 254 / 127 = 2; that of the second, 3 / 127, is
// rounded up to 7/256. The last scale of each row is too small and becomes 1 or
// -1 of them.
// CHECK-DAG: llmc.param @s.q = dense_resource<s.q> : tensor<2x3xi8>
// CHECK-DAG: llmc.param @s.rows = dense_resource<s.rows> : tensor<2x1xf16>
// CHECK: llmc.cast %{{.*}} {to = f32} : (tensor<2x3xi8>) -> tensor<2x3xf32>
// CHECK: s.q: "0x400000007F81FF9237FF"

// 16 * (254 - 254 - 2) and 16 * (-110 + 55 - 1) * 7/256.
// SUM: {{.*}}[-3.200000e+01, -2.450000e+01]

llmc.param @q = dense<0x99> : tensor<2x3x8xui8>
llmc.param @s = dense<[[254.0, -254.0, -0.5], [-3.0, 1.5, -0.001]]> : tensor<2x3xf32>
func.func @main(%x: tensor<?x48xf32> {llmc.name = "x"}) -> tensor<?x2xf32> {
  %q = llmc.weight @q : tensor<2x3x8xui8>
  %s = llmc.weight @s : tensor<2x3xf32>
  %w = llmc.dequantize %q, %s {bits = 4 : i64, block = 16 : i64, columns = 48 : i64}
     : (tensor<2x3x8xui8>, tensor<2x3xf32>) -> tensor<2x48xf32>
  %y = llmc.linear %x, %w : (tensor<?x48xf32>, tensor<2x48xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}
