// RUN: llmc-opt %s --llmc-drop-state-results -split-input-file -verify-diagnostics | FileCheck %s

// What is the argument's own buffer stays there; another one is copied to it.
// CHECK: func.func @main(%[[A:.*]]: memref<?xf32> {llmc.name = "a", llmc.state = "new_a"},
// CHECK-SAME: %[[B:.*]]: memref<?xf32> {llmc.name = "b", llmc.state = "new_b"}, %[[X:.*]]: memref<?xf32>)
// CHECK-SAME: -> memref<?xf32> {
// CHECK-NEXT: memref.copy %[[X]], %[[B]]
// CHECK-NEXT: return %[[X]] : memref<?xf32>
func.func @main(%a: memref<?xf32> {llmc.name = "a", llmc.state = "new_a"},
                %b: memref<?xf32> {llmc.name = "b", llmc.state = "new_b"}, %x: memref<?xf32>)
    -> (memref<?xf32> {llmc.state = "b"}, memref<?xf32>, memref<?xf32> {llmc.state = "a"}) {
  return %x, %x, %a : memref<?xf32>, memref<?xf32>, memref<?xf32>
}

// -----

// expected-error @+1 {{result 0 is the state 'b', which no argument is}}
func.func @main(%a: memref<?xf32> {llmc.name = "b"}) -> (memref<?xf32> {llmc.state = "b"}) {
  return %a : memref<?xf32>
}
