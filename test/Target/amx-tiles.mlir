// Rounded rows of x meet integers in AMX's tiles where the target has them.
// REQUIRES: x86-64
// RUN: llmc-compile %s --target=cpu:x86-64-v4+avx512vnni+amx-int8 -o %t.tiles
// RUN: llvm-objdump -d --no-show-raw-insn --no-leading-addr %t.tiles/module.so > %t.s
// RUN: FileCheck %s < %t.s
// RUN: FileCheck %s --check-prefix=ARTIFACT < %t.tiles/manifest.json
// RUN: llmc-compile %s --target=cpu:x86-64-v4+avx512vnni -o %t.vectors
// RUN: llvm-objdump -d --no-show-raw-insn --no-leading-addr %t.vectors/module.so | FileCheck %s --check-prefix=VECTORS

// The shapes of tiles are loaded once, also for rows that are left of 32 at a
// time. Few rows go to vectors.
// RUN: grep -c ldtilecfg %t.s | FileCheck %s --check-prefix=SHAPES
// SHAPES: {{^1$}}
// RUN: grep -c tilerelease %t.s | FileCheck %s --check-prefix=RELEASES
// RELEASES: {{^1$}}
// CHECK-DAG: vpdpbusd
// CHECK-DAG: ldtilecfg
// CHECK: tileloadd {{.*}}, %tmm6
// CHECK: tileloadd {{.*}}, %tmm7
// CHECK: tileloadd {{.*}}, %tmm4
// CHECK: tileloadd {{.*}}, %tmm5
// CHECK: tdpbssd %tmm6, %tmm4, %tmm0
// CHECK-NEXT: tdpbssd %tmm7, %tmm4, %tmm1
// CHECK-NEXT: tdpbssd %tmm6, %tmm5, %tmm2
// CHECK-NEXT: tdpbssd %tmm7, %tmm5, %tmm3
// ARTIFACT: "amx-tile",
// ARTIFACT-NEXT: "amx-int8"
// VECTORS-NOT: tmm
// VECTORS: vpdpbusd
// VECTORS-NOT: tmm

llmc.param @q = dense<17> : tensor<32x2x32xui8>
llmc.param @s = dense<1.0> : tensor<32x2xf32>

func.func @main(%x: tensor<?x128xf32>) -> tensor<?x32xf32> {
  %q = llmc.weight @q : tensor<32x2x32xui8>
  %s = llmc.weight @s : tensor<32x2xf32>
  %w = llmc.dequantize %q, %s {bits = 4 : i64, block = 64 : i64, columns = 128 : i64}
    : (tensor<32x2x32xui8>, tensor<32x2xf32>) -> tensor<32x128xf32>
  %a = llmc.quantize_dynamic %x {block = 64 : i64} : (tensor<?x128xf32>) -> tensor<?x128xf32>
  %y = llmc.linear %a, %w : (tensor<?x128xf32>, tensor<32x128xf32>) -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}
