// RUN: llmc-opt %s --llmc-emit-kernels -verify-diagnostics -split-input-file

// expected-error @+1 {{is of the backend 'tpu', which is not loaded: use --load-backend=FILE}}
llmc.kernel @k by "tpu" kind "fill" {config = {}}
func.func @main(%y: memref<4xf32>) {
  llmc.launch @k outs(%y : memref<4xf32>)
  return
}
