// RUN: llmc-opt %s --load-backend=cpu --llmc-emit-kernels | FileCheck %s

#layout = {columns = 8 : i64, lanes = 16 : i64, bits = 0 : i64, block = 8 : i64,
           format = "f32", zeros = false, scales = true, row_scales = false, sparse = false, codebook = "none",
           half_scales = false, float_zeros = false, half_zeros = false}
#norm = {kind = "none", epsilon = 0.0 : f32, bias = false}

// Sizes in which the launches differ are dynamic in the kernel.
// CHECK-NOT: llmc.kernel
// CHECK: func.func private @linear_0(%{{.*}}: memref<?x8xf32>, %{{.*}}: memref<1x8x16xf32>, %{{.*}}: memref<?x4xf32>)
// CHECK: scf.parallel
// CHECK: scf.for
// CHECK: vector.fma
// CHECK: vector.maskedstore
// CHECK: return
llmc.kernel @linear_0 by "cpu" kind "linear"
    {config = {layout = #layout, rows = array<i64: 4>, format = "f32", integers = false, step = false, step_columns = 0 : i64, pairs = false, norm = #norm,
               bias = false, activation = "none", epilogue = "none",
               rank = 2 : i64}}

// CHECK-LABEL: func.func @main(
// CHECK-SAME: %[[A:.*]]: memref<1x8xf32>, %[[B:.*]]: memref<?x8xf32>, %[[W:.*]]: memref<1x8x16xf32>
// CHECK: %[[X:.*]] = memref.cast %[[A]] : memref<1x8xf32> to memref<?x8xf32>
// CHECK: call @linear_0(%[[X]], %[[W]], %{{.*}})
// CHECK: call @linear_0(%[[B]], %[[W]], %{{.*}})
func.func @main(%a: memref<1x8xf32>, %b: memref<?x8xf32>, %w: memref<1x8x16xf32>,
                %y: memref<1x4xf32>, %z: memref<?x4xf32>) {
  llmc.launch @linear_0 ins(%a, %w : memref<1x8xf32>, memref<1x8x16xf32>) outs(%y : memref<1x4xf32>)
  llmc.launch @linear_0 ins(%b, %w : memref<?x8xf32>, memref<1x8x16xf32>) outs(%z : memref<?x4xf32>)
  return
}
