// Threads take strips of a linear that no other has taken, beginning each at a
// place of its own, until one has seen all of them taken.

// RUN: llmc-opt %s --load-backend=cpu --target=cpu:x86-64-v3 --llmc-lower | FileCheck %s

// CHECK: omp.wsloop
// CHECK: %[[ALL:.*]] = llvm.atomicrmw _or %{{.*}}, %[[ZERO:.*]] {{.*}} : !llvm.ptr, i32
// CHECK: %[[LEFT:.*]] = llvm.icmp "eq" %[[ALL]], %[[ZERO]]
// CHECK: llvm.cond_br %[[LEFT]]
// CHECK: %[[TAKEN:.*]] = llvm.atomicrmw xchg %{{.*}}, %[[ONE:.*]] {{.*}} : !llvm.ptr, i32
// CHECK: %[[FREE:.*]] = llvm.icmp "eq" %[[TAKEN]], %[[ZERO]]
// CHECK: llvm.cond_br %[[FREE]]
// CHECK: llvm.intr.fmuladd
// CHECK: llvm.atomicrmw xchg %{{.*}}, %[[ONE]] {{.*}} : !llvm.ptr, i32
// CHECK: omp.yield
llmc.param @w = dense<1.0> : tensor<64x32xf32>
func.func @main(%x: tensor<?x32xf32> {llmc.name = "x"}) -> (tensor<?x64xf32> {llmc.name = "y"}) {
  %w = llmc.weight @w : tensor<64x32xf32>
  %y = llmc.linear %x, %w : (tensor<?x32xf32>, tensor<64x32xf32>) -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}
