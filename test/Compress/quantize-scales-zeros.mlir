// Zero points that are floats become f16 whatever scales become. What they are
// small or large by is no matter, unlike scales.
// RUN: llmc-opt %s --llmc-quantize-scales=strict | FileCheck %s --check-prefixes=CHECK,INT
// RUN: llmc-opt %s --llmc-quantize-scales="type=f16 strict" | FileCheck %s --check-prefixes=CHECK,HALF
// RUN: llmc-opt %s --llmc-quantize-scales=skip=z | FileCheck %s --check-prefix=SKIP
// RUN: llmc-opt %s --llmc-quantize-scales -o %t.mlir
// RUN: llmc-run %t.mlir --input 'x=dense<1.0> : tensor<1x48xf32>' \
// RUN:   | FileCheck %s --check-prefix=SUM
// RUN: llmc-run %t.mlir --load-backend=cpu \
// RUN:   --input 'x=dense<1.0> : tensor<1x48xf32>' \
// RUN:   | FileCheck %s --check-prefix=SUM

// CHECK-NOT: llmc.param @z =
// INT-DAG: llmc.param @s.q = dense_resource<s.q> : tensor<2x3xui8>
// HALF-DAG: llmc.param @s.half = dense_resource<s.half> : tensor<2x3xf16>
// CHECK-DAG: llmc.param @z.half = dense_resource<z.half> : tensor<2x3xf16>
// CHECK-DAG: %[[Z:.*]] = llmc.weight @z.half
// CHECK: %[[C:.*]] = llmc.cast %[[Z]] {to = f32} : (tensor<2x3xf16>) -> tensor<2x3xf32>
// CHECK: llmc.dequantize %{{.*}}, %{{.*}}, %[[C]]
// -2^-20 is a number of f16 below the normal ones.
// CHECK: z.half: "0x400000000044C047108000B500490040"
// SKIP: llmc.param @z = {{.*}} : tensor<2x3xf32>

// All scales but the last are multiples of 2; 16 * ((9 - 4) * 510 +
// (9 - 7.75) * 256 + (9 + 2^-20) * 2) and 16 * ((9 + 0.3125) * 510 +
// (9 - 10) * 256 + (9 - 2) * 510).
// SUM: {{.*}}[4.620800e+04, 1.290140e+05]

llmc.param @q = dense<0x99> : tensor<2x3x8xui8>
llmc.param @s = dense<[[510.0, 256.0, 2.0], [510.0, 256.0, 510.0]]> : tensor<2x3xf32>
llmc.param @z = dense<[[4.0, 7.75, -9.53674316E-7], [-0.3125, 10.0, 2.0]]> : tensor<2x3xf32>
func.func @main(%x: tensor<?x48xf32> {llmc.name = "x"}) -> tensor<?x2xf32> {
  %q = llmc.weight @q : tensor<2x3x8xui8>
  %s = llmc.weight @s : tensor<2x3xf32>
  %z = llmc.weight @z : tensor<2x3xf32>
  %w = llmc.dequantize %q, %s, %z {bits = 4 : i64, block = 16 : i64, columns = 48 : i64}
     : (tensor<2x3x8xui8>, tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x48xf32>
  %y = llmc.linear %x, %w : (tensor<?x48xf32>, tensor<2x48xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}
