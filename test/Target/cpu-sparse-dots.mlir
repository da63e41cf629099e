// What multiplies integers of which two of each four columns are stored, by
// processor: columns of x are selected by bytes, or the integers are spread.

// RUN: llmc-opt %s --load-backend=cpu --target=cpu:x86-64-v3 --llmc-emit-kernels | FileCheck %s --check-prefix=AVX2
// RUN: llmc-opt %s --load-backend=cpu --target=cpu:x86-64-v4+avx512vnni --llmc-emit-kernels | FileCheck %s --check-prefix=VNNI
// RUN: llmc-opt %s --load-backend=cpu --target=cpu:aarch64+dotprod --llmc-emit-kernels | FileCheck %s --check-prefix=SDOT
// RUN: llmc-opt %s --load-backend=cpu --target=cpu:riscv64+v --llmc-emit-kernels | FileCheck %s --check-prefix=HALVES

// AVX2: "llvm.x86.avx2.pshuf.b"
// AVX2: "llvm.x86.avx2.pmadd.ub.sw"

// VNNI: "llvm.x86.avx512.pshuf.b.512"
// VNNI: "llvm.x86.avx512.vpdpbusd.512"

// SDOT: "llvm.aarch64.neon.tbl1.v16i8"
// SDOT: "llvm.aarch64.neon.sdot.v4i32.v16i8"

// HALVES-NOT: llvm.call_intrinsic
// HALVES: arith.shli %{{.*}}, %{{.*}} : vector<4xi32>
// HALVES: arith.muli %{{.*}} : vector<16xi16>
// HALVES-NOT: llvm.call_intrinsic
llmc.kernel @linear_0 by "cpu" kind "linear"
    {config = {layout = {columns = 64 : i64, lanes = 16 : i64, bits = 4 : i64, block = 32 : i64,
                         format = "f32", zeros = false, scales = true, row_scales = false, sparse = true, codebook = "none",
                         half_scales = false, float_zeros = false, half_zeros = false},
               rows = array<i64: 16>, format = "f32", integers = true, step = false, step_columns = 0 : i64, pairs = false, norm = {kind = "none", epsilon = 0.0 : f32, bias = false}, activation = "none",
               bias = false, epilogue = "none",
               rank = 2 : i64}}

func.func @main(%x: memref<?x64xf32>, %w: memref<384xi8>, %s: memref<?x2x?xf32>,
                %y: memref<?x16xf32>) {
  llmc.launch @linear_0 ins(%x, %w, %s : memref<?x64xf32>, memref<384xi8>, memref<?x2x?xf32>)
                        outs(%y : memref<?x16xf32>)
  return
}
