// RUN: llmc-opt %s --llmc-emit-invoke --split-input-file | FileCheck %s

// Slot 0 has the results, which the C interface takes first.
// CHECK: llvm.func @_mlir_ciface_main(!llvm.ptr, !llvm.ptr)
// CHECK: llvm.func internal @llmc_report_error(%[[CODE:.*]]: i64)
// CHECK: %[[FLAG:.*]] = llvm.mlir.addressof @llmc_error
// CHECK: llvm.store %[[CODE]], %[[FLAG]]
// CHECK: llvm.mlir.global external @llmc_error(0 : i64)
// CHECK: llvm.func @llmc_invoke(%[[ARGS:.*]]: !llvm.ptr)
// CHECK: %[[P0:.*]] = llvm.getelementptr %[[ARGS]][0]
// CHECK: %[[A0:.*]] = llvm.load %[[P0]]
// CHECK: %[[P1:.*]] = llvm.getelementptr %[[ARGS]][1]
// CHECK: %[[A1:.*]] = llvm.load %[[P1]]
// CHECK: llvm.call @_mlir_ciface_main(%[[A0]], %[[A1]])
// CHECK: llvm.return
llvm.func @main(!llvm.ptr) -> !llvm.struct<(ptr, ptr, i64)>
llvm.func @_mlir_ciface_main(!llvm.ptr, !llvm.ptr {llmc.name = "x"})
llvm.func @llmc_report_error(i64)

// -----

// Without results slot 0 is not read.
// CHECK: llvm.func @llmc_invoke(%[[ARGS:.*]]: !llvm.ptr)
// CHECK: %[[P:.*]] = llvm.getelementptr %[[ARGS]][1]
// CHECK: %[[A:.*]] = llvm.load %[[P]]
// CHECK: llvm.call @_mlir_ciface_main(%[[A]])
llvm.func @main(!llvm.ptr)
llvm.func @_mlir_ciface_main(!llvm.ptr)
