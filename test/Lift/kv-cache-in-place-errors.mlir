// RUN: llmc-opt %s --llmc-kv-cache-in-place --verify-diagnostics

// expected-error@+1 {{has an argument called 'past_length' already}}
func.func @main(%new: tensor<?x2x?x4xf32>, %past: tensor<?x2x?x4xf32>,
                %length: tensor<i64> {llmc.name = "past_length"})
    -> tensor<?x2x?x4xf32> {
  %x = llmc.concat %past, %new {axis = 2 : i64}
     : (tensor<?x2x?x4xf32>, tensor<?x2x?x4xf32>) -> tensor<?x2x?x4xf32>
  return %x : tensor<?x2x?x4xf32>
}
