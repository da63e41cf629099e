// RUN: llmc-opt %s --llmc-emit-scratch | FileCheck %s

// CHECK-LABEL: llvm.func @main
// CHECK: llvm.mlir.global internal @llmc_scratch()
// CHECK: llvm.func internal @llmc_take_scratch(%{{.*}}: i64)
// CHECK: llvm.atomicrmw xchg
// CHECK: llvm.func internal @llmc_return_scratch
// CHECK: llvm.atomicrmw xchg
// CHECK: llvm.mlir.global_dtors dtors = [@llmc_free_scratch]
llvm.func @free(!llvm.ptr)
llvm.func @llmc_take_scratch(i64) -> !llvm.struct<(ptr, ptr, i64, array<1 x i64>, array<1 x i64>)> attributes {sym_visibility = "private"}
llvm.func @llmc_return_scratch(!llvm.ptr, !llvm.ptr, i64, i64, i64) attributes {sym_visibility = "private"}
llvm.func @main(%size: i64) {
  %0 = llvm.call @llmc_take_scratch(%size) : (i64) -> !llvm.struct<(ptr, ptr, i64, array<1 x i64>, array<1 x i64>)>
  llvm.return
}
