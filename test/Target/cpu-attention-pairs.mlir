// Attention in bf16 is one kernel with the casts around it: of pairs of bf16
// where the target multiplies them, in AMX's tiles where it has those.
// REQUIRES: x86-64
// RUN: llmc-opt %s --load-backend=cpu --target=cpu:x86-64-v3 --llmc-claim-kernels | FileCheck %s --check-prefix=CLAIM
// RUN: llmc-compile %s --target=cpu:x86-64-v4+avx512bf16+amx-bf16 -o %t.tiles
// RUN: llvm-objdump -d --no-show-raw-insn --no-leading-addr %t.tiles/module.so | FileCheck %s --check-prefix=TILES --implicit-check-not=vdpbf16ps
// RUN: llmc-compile %s --target=cpu:x86-64-v4+avx512bf16 -o %t.pairs
// RUN: llvm-objdump -d --no-show-raw-insn --no-leading-addr %t.pairs/module.so | FileCheck %s --check-prefix=PAIRS
// RUN: llmc-compile %s --target=cpu:x86-64-v4 -o %t.floats
// RUN: llvm-objdump -d --no-show-raw-insn --no-leading-addr %t.floats/module.so | FileCheck %s --check-prefix=FLOATS

// CLAIM: llmc.kernel @attention_0
// CLAIM-SAME: pairs = true
// CLAIM-LABEL: func.func @main(
// CLAIM-SAME: %[[Q:arg[0-9]+]]: tensor<?x?x4x64xf32>
// CLAIM-NOT: llmc.cast
// CLAIM: llmc.launch @attention_0 ins(%[[Q]],
// CLAIM-NOT: llmc.cast

// TILES: ldtilecfg
// TILES: vcvtneps2bf16
// TILES: tilezero
// TILES: tdpbf16ps
// TILES: tilestored
// TILES: tilerelease

// PAIRS-NOT: tmm
// PAIRS: vdpbf16ps
// PAIRS-NOT: tmm

// FLOATS-NOT: bf16
// FLOATS: vfmadd
// FLOATS-NOT: bf16

!rows = tensor<?x?x4x64xf32>
!heads = tensor<?x4x?x64xf32>
!narrow = tensor<?x4x?x64xbf16>

func.func @main(
    %q: !rows {llmc.name = "q", llmc.dims = ["b", "s", "", ""]},
    %k: !heads {llmc.name = "k", llmc.dims = ["b", "", "t", ""]},
    %v: !heads {llmc.name = "v", llmc.dims = ["b", "", "t", ""]})
    -> (!rows {llmc.name = "y"}) {
  %t = llmc.transpose %q {perm = array<i64: 0, 2, 1, 3>} : (!rows) -> !heads
  %qb = llmc.cast %t {to = bf16} : (!heads) -> !narrow
  %kb = llmc.cast %k {to = bf16} : (!heads) -> !narrow
  %vb = llmc.cast %v {to = bf16} : (!heads) -> !narrow
  %a = llmc.attention %qb, %kb, %vb {causal, scale = 0.125 : f32} : (!narrow, !narrow, !narrow) -> !narrow
  %f = llmc.cast %a {to = f32} : (!narrow) -> !heads
  %y = llmc.transpose %f {perm = array<i64: 0, 2, 1, 3>} : (!heads) -> !rows
  return %y : !rows
}
