// RUN: llmc-opt %s --llmc-inline-scopes | FileCheck %s

// CHECK-LABEL: func.func @nothing
// CHECK-NOT: alloca_scope
// CHECK: scf.for
// CHECK-NEXT: %[[Y:.*]] = func.call @f
// CHECK: return
func.func @nothing(%x: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %i = %c0 to %x step %c1 {
    %z = memref.alloca_scope -> (index) {
      %y = func.call @f(%i) : (index) -> index
      memref.alloca_scope.return %y : index
    }
    func.call @f(%z) : (index) -> index
  }
  return
}

// CHECK-LABEL: func.func @something
// CHECK: memref.alloca_scope
// CHECK-NEXT: memref.alloca
func.func @something() {
  memref.alloca_scope {
    %m = memref.alloca() : memref<4xindex>
    func.call @g(%m) : (memref<4xindex>) -> ()
  }
  return
}

func.func private @f(index) -> index
func.func private @g(memref<4xindex>)
