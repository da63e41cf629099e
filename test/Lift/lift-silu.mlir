// RUN: llmc-opt %s --llmc-lift-silu | FileCheck %s

// CHECK-LABEL: func.func @silu
// CHECK-SAME: (%[[X:.*]]: tensor<?x8xf32>)
// CHECK-NEXT: %[[Y:.*]] = llmc.silu %[[X]]
// CHECK-NEXT: return %[[Y]]
func.func @silu(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %s = llmc.sigmoid %x : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %y = llmc.mul %s, %x : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// A gate of another value is not SiLU.
// CHECK-LABEL: func.func @glu
// CHECK-NOT: llmc.silu
func.func @glu(%x: tensor<?x8xf32>, %z: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %s = llmc.sigmoid %z : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %y = llmc.mul %x, %s : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}
