// RUN: llmc-opt %s --llmc-infer-shapes --split-input-file --verify-diagnostics

// Each op alone is valid; what the chain makes is not what was declared.
func.func @contradiction(%x: tensor<?x4xf32>) -> tensor<5x?xf32> {
  %t = llmc.transpose %x {perm = array<i64: 1, 0>}
     : (tensor<?x4xf32>) -> tensor<?x?xf32>
  // expected-error@+1 {{'llmc.neg' op result 0 is declared as 'tensor<5x?xf32>', but its operands make it 'tensor<4x?xf32>'}}
  %y = llmc.neg %t : (tensor<?x?xf32>) -> tensor<5x?xf32>
  return %y : tensor<5x?xf32>
}

// -----

func.func @columns(%x: tensor<?x4xf32>, %w: tensor<8x6xf32>)
    -> tensor<?x8xf32> {
  %n = llmc.neg %x : (tensor<?x4xf32>) -> tensor<?x?xf32>
  // expected-error@+1 {{'llmc.linear' op operand has 4 columns, the weight takes 6}}
  %y = llmc.linear %n, %w
     : (tensor<?x?xf32>, tensor<8x6xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}
