// RUN: llmc-reduce %s -reduction-tree='traversal-mode=0 test=%S/Inputs/keeps-neg.sh' -o - | FileCheck %s

// CHECK: func.func @keep
// CHECK: llmc.neg
// CHECK-NOT: @drop
func.func @drop(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = llmc.abs %x : (tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}

func.func @keep(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = llmc.neg %x : (tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}
