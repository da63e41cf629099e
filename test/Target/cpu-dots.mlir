// What multiplies integers, by processor, and only that.

// RUN: llmc-opt %s --load-backend=cpu --target=cpu:x86-64-v3 --llmc-emit-kernels | FileCheck %s --check-prefix=AVX2
// RUN: llmc-opt %s --load-backend=cpu --target=cpu:x86-64-v4+avx512vnni --llmc-emit-kernels | FileCheck %s --check-prefix=VNNI
// RUN: llmc-opt %s --load-backend=cpu --target=cpu:aarch64 --llmc-emit-kernels | FileCheck %s --check-prefix=NEON
// RUN: llmc-opt %s --load-backend=cpu --target=cpu:aarch64+dotprod --llmc-emit-kernels | FileCheck %s --check-prefix=SDOT
// RUN: llmc-opt %s --load-backend=cpu --target=cpu:aarch64+i8mm --llmc-emit-kernels | FileCheck %s --check-prefix=USDOT
// RUN: llmc-opt %s --load-backend=cpu --target=cpu:riscv64+v --llmc-emit-kernels | FileCheck %s --check-prefix=HALVES
// RUN: llmc-opt %s --load-backend=cpu --target=cpu:riscv64 --llmc-emit-kernels | FileCheck %s --check-prefix=WORDS

// AVX2: "llvm.x86.avx2.pmadd.ub.sw"
// VNNI: "llvm.x86.avx512.vpdpbusd.512"

// Products of bytes in 16 bits, by instructions that any compiler finds.
// NEON-NOT: dot
// NEON: arith.muli %{{.*}} : vector<16xi16>
// NEON: "llvm.aarch64.neon.saddlp.v4i32.v8i16"
// NEON: "llvm.aarch64.neon.addp.v4i32"
// NEON-NOT: dot
// HALVES-NOT: llvm.call_intrinsic
// HALVES: arith.muli %{{.*}} : vector<16xi16>
// HALVES-NOT: llvm.call_intrinsic

// WORDS-NOT: i16
// WORDS: arith.muli %{{.*}} : vector<4xi32>
// WORDS-NOT: i16

// SDOT-NOT: usdot
// SDOT: "llvm.aarch64.neon.sdot.v4i32.v16i8"
// SDOT-NOT: mmla

// Rows by twos, and then one.
// USDOT-NOT: neon.sdot
// USDOT: "llvm.aarch64.neon.usmmla.v4i32.v16i8"
// USDOT-NOT: neon.sdot
// USDOT: "llvm.aarch64.neon.usdot.v4i32.v16i8"
llmc.kernel @linear_0 by "cpu" kind "linear"
    {config = {layout = {columns = 64 : i64, lanes = 16 : i64, bits = 4 : i64, block = 32 : i64,
                         format = "f32", zeros = false, scales = true, row_scales = false, sparse = false, codebook = "none",
                         half_scales = false, float_zeros = false, half_zeros = false},
               rows = array<i64: 16>, format = "f32", integers = true, step = false, step_columns = 0 : i64, pairs = false, norm = {kind = "none", epsilon = 0.0 : f32, bias = false}, activation = "none",
               bias = false, epilogue = "none",
               rank = 2 : i64}}

func.func @main(%x: memref<?x64xf32>, %w: memref<512xi8>, %s: memref<?x2x?xf32>,
                %y: memref<?x16xf32>) {
  llmc.launch @linear_0 ins(%x, %w, %s : memref<?x64xf32>, memref<512xi8>, memref<?x2x?xf32>)
                        outs(%y : memref<?x16xf32>)
  return
}
