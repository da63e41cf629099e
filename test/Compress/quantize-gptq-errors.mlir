// RUN: %python %S/../Inputs/make_statistics.py %t.safetensors pad=20 broken=16
// RUN: llmc-opt %s -verify-diagnostics -llmc-read-statistics=file=%t.safetensors -llmc-quantize-gptq="bits=4 block=16 skip=^keep what=all" -o /dev/null
// RUN: not llmc-opt %s -llmc-read-statistics=file=%t.safetensors -llmc-quantize-gptq="bits=4 block=16 skip=^keep strict" 2>&1 | FileCheck %s --check-prefix=STRICT
// RUN: not llmc-opt %s -llmc-quantize-gptq="bits=9" 2>&1 | FileCheck %s --check-prefix=BITS
// RUN: not llmc-opt %s -llmc-quantize-gptq="damping=-1" 2>&1 | FileCheck %s --check-prefix=DAMPING
// RUN: not llmc-opt %s -llmc-quantize-gptq="sweeps=-1" 2>&1 | FileCheck %s --check-prefix=SWEEPS
// RUN: not llmc-opt %s -llmc-read-statistics=file=%t.safetensors -llmc-quantize-gptq="damping=0 strict skip=^[^b] block=8" 2>&1 | FileCheck %s --check-prefix=FINITE

// BITS: error: llmc-quantize-gptq: bits is 9; 2 to 8 are defined
// DAMPING: error: llmc-quantize-gptq: damping is -1.000000e+00; it must not be negative
// SWEEPS: error: llmc-quantize-gptq: sweeps is -1; it must not be negative

// Named in `skip`: nothing is said about it.
llmc.param @keep.this = dense<0.0> : tensor<4x16xf32>

// STRICT: error: 'pad': rows of 20 weights are padded to 32, whole blocks of 16
// expected-remark@below {{'pad': rows of 20 weights are padded to 32, whole blocks of 16}}
llmc.param @pad = dense<1.0> : tensor<2x20xf32>

// STRICT: error: 'unknown' is not quantized: no statistics of its input; run llmc-calibrate first
// expected-remark@below {{'unknown' is not quantized: no statistics of its input; run llmc-calibrate first}}
llmc.param @unknown = dense<1.0> : tensor<4x16xf32>

// An embedding needs no statistics.
llmc.param @lookup = dense<1.0> : tensor<4x16xf32>

// STRICT: error: 'broken' is not quantized: it holds values that are not finite
// FINITE: error: 'broken' is not quantized: it holds values that are not finite
// expected-remark@below {{'broken' is not quantized: it holds values that are not finite}}
llmc.param @broken = dense<0x7F800000> : tensor<4x16xf32>

func.func @main(%x: tensor<?x16xf32>, %v: tensor<?x20xf32>, %ids: tensor<?xi64>)
    -> (tensor<?x4xf32>, tensor<?x2xf32>, tensor<?x4xf32>, tensor<?x16xf32>,
        tensor<?x4xf32>) {
  %k = llmc.weight @keep.this : tensor<4x16xf32>
  %0 = llmc.linear %x, %k
     : (tensor<?x16xf32>, tensor<4x16xf32>) -> tensor<?x4xf32>
  %p = llmc.weight @pad : tensor<2x20xf32>
  %1 = llmc.linear %v, %p
     : (tensor<?x20xf32>, tensor<2x20xf32>) -> tensor<?x2xf32>
  %u = llmc.weight @unknown : tensor<4x16xf32>
  %2 = llmc.linear %x, %u
     : (tensor<?x16xf32>, tensor<4x16xf32>) -> tensor<?x4xf32>
  %e = llmc.weight @lookup : tensor<4x16xf32>
  %3 = llmc.embedding %ids, %e
     : (tensor<?xi64>, tensor<4x16xf32>) -> tensor<?x16xf32>
  %b = llmc.weight @broken : tensor<4x16xf32>
  %4 = llmc.linear %x, %b
     : (tensor<?x16xf32>, tensor<4x16xf32>) -> tensor<?x4xf32>
  return %0, %1, %2, %3, %4 : tensor<?x4xf32>, tensor<?x2xf32>,
      tensor<?x4xf32>, tensor<?x16xf32>, tensor<?x4xf32>
}
