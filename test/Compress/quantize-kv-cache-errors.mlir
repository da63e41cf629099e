// RUN: llmc-opt %s --llmc-quantize-kv-cache -verify-diagnostics -split-input-file

// expected-error @+1 {{has no key-value cache of floats: there is no argument [batch, heads, rows, head_size] that is only concatenated with new rows and returned}}
func.func @main(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  return %x : tensor<?x8xf32>
}

// -----

// expected-error @+1 {{has a key-value cache that is updated in place: run llmc-quantize-kv-cache before llmc-kv-cache-in-place}}
func.func @main(%x: tensor<?x2x?x4xf32> {llmc.name = "a", llmc.state = "b"})
    -> (tensor<?x2x?x4xf32> {llmc.name = "b", llmc.state = "a"}) {
  return %x : tensor<?x2x?x4xf32>
}
