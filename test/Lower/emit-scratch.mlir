// RUN: llmc-opt %s --llmc-emit-scratch | FileCheck %s

// Without memory @main returns. What is on the stack stays in the first block.
// CHECK-LABEL: llvm.func @main
// CHECK: llvm.alloca
// CHECK: %[[TAKEN:.*]] = llvm.call @llmc_take_scratch
// CHECK: %[[BEGIN:.*]] = llvm.extractvalue %[[TAKEN]][0]
// CHECK: %[[NULL:.*]] = llvm.mlir.zero : !llvm.ptr
// CHECK: %[[FAILED:.*]] = llvm.icmp "eq" %[[BEGIN]], %[[NULL]]
// CHECK: llvm.cond_br %[[FAILED]], ^[[WITHOUT:.*]], ^[[AFTER:.*]]
// CHECK: ^[[WITHOUT]]:
// CHECK: %[[NOTHING:.*]] = llvm.mlir.zero : i64
// CHECK: llvm.return %[[NOTHING]]
// CHECK: ^[[AFTER]]:
// CHECK-NOT: llvm.alloca
// CHECK: llvm.return %{{.*}} : i64
// CHECK: llvm.mlir.global internal @llmc_scratch()
// CHECK: llvm.func internal @llmc_take_scratch(%{{.*}}: i64)
// CHECK: llvm.atomicrmw xchg
// CHECK: llvm.call @llmc_report_error
// CHECK: llvm.func internal @llmc_return_scratch
// CHECK: llvm.atomicrmw xchg
// CHECK: llvm.mlir.global_dtors dtors = [@llmc_free_scratch]
llvm.func @free(!llvm.ptr)
llvm.func @llmc_take_scratch(i64) -> !llvm.struct<(ptr, ptr, i64, array<1 x i64>, array<1 x i64>)> attributes {sym_visibility = "private"}
llvm.func @llmc_return_scratch(!llvm.ptr, !llvm.ptr, i64, i64, i64) attributes {sym_visibility = "private"}
llvm.func @main(%size: i64) -> i64 {
  %0 = llvm.call @llmc_take_scratch(%size) : (i64) -> !llvm.struct<(ptr, ptr, i64, array<1 x i64>, array<1 x i64>)>
  %one = llvm.mlir.constant(1 : i64) : i64
  %place = llvm.alloca %one x i64 : (i64) -> !llvm.ptr
  llvm.store %size, %place : i64, !llvm.ptr
  llvm.return %size : i64
}
