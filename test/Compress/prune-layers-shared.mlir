// RUN: llmc-opt %s -llmc-prune-layers="layers=0 step=mark unit=block" 2>&1 | FileCheck %s

// Marks are those of parameters: a layer cannot be marked by one that the rest
// of the model reads.

// CHECK: remark: the block of 'both' is not removed: its weight 'both' is read elsewhere too
// CHECK-NOT: llmc.removed
llmc.param @both = dense<1.0> : tensor<8x8xf32>
llmc.param @last = dense<1.0> : tensor<8x8xf32>
func.func @main(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %w = llmc.weight @both : tensor<8x8xf32>
  %a = llmc.linear %x, %w : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  %b = llmc.relu %a : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %c = llmc.linear %b, %w : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  %d = llmc.relu %c : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %l = llmc.weight @last : tensor<8x8xf32>
  %e = llmc.linear %d, %l : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  return %e : tensor<?x8xf32>
}
