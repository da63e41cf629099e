// RUN: %python %S/../Inputs/make_statistics.py %t.safetensors pad=20 broken=16
// RUN: llmc-opt %s -verify-diagnostics -llmc-read-statistics=file=%t.safetensors -llmc-cluster="bits=2 block=16 rows=4 compensate skip=^keep what=all" -o /dev/null
// RUN: not llmc-opt %s -llmc-read-statistics=file=%t.safetensors -llmc-cluster="bits=2 block=16 rows=4 compensate skip=^keep strict" 2>&1 | FileCheck %s --check-prefix=STRICT
// RUN: not llmc-opt %s -llmc-cluster="bits=9" 2>&1 | FileCheck %s --check-prefix=BITS
// RUN: not llmc-opt %s -llmc-cluster="method=nf4 bits=3" 2>&1 | FileCheck %s --check-prefix=NF4
// RUN: not llmc-opt %s -llmc-cluster="method=mxfp4 block=64" 2>&1 | FileCheck %s --check-prefix=MX
// RUN: not llmc-opt %s -llmc-cluster="rows=-1" 2>&1 | FileCheck %s --check-prefix=ROWS
// RUN: not llmc-opt %s -llmc-cluster="bits=3 block=12" 2>&1 | FileCheck %s --check-prefix=BYTES
// RUN: not llmc-opt %s -llmc-cluster="dims=3" 2>&1 | FileCheck %s --check-prefix=DIMS
// RUN: not llmc-opt %s -llmc-cluster="dims=2 method=exact" 2>&1 | FileCheck %s --check-prefix=VECTORS
// RUN: not llmc-opt %s -llmc-cluster="dims=4 block=6" 2>&1 | FileCheck %s --check-prefix=WHOLE
// RUN: not llmc-opt %s -llmc-cluster="damping=-1" 2>&1 | FileCheck %s --check-prefix=DAMPING
// RUN: not llmc-opt %s -llmc-read-statistics=file=%t.safetensors -llmc-cluster="bits=2 compensate damping=0 strict skip=^[^b] block=8" 2>&1 | FileCheck %s --check-prefix=FINITE

// BITS: error: llmc-cluster: bits is 9; 2 to 8 are defined
// NF4: error: llmc-cluster: bits is 3; the method has 16 values
// MX: error: llmc-cluster: block is 64; MX formats have a scale for 32 weights
// ROWS: error: llmc-cluster: rows, block and refit must not be negative
// BYTES: error: llmc-cluster: a block of 12 times 3 bits is not whole bytes
// DIMS: error: llmc-cluster: dims is 3; 1, 2 and 4 are defined
// VECTORS: error: llmc-cluster: vectors have values of method=kmeans only
// WHOLE: error: llmc-cluster: block is 6; it must be whole vectors of 4
// DAMPING: error: llmc-cluster: damping is -1.000000e+00; it must not be negative

// Named in `skip`: nothing is said about it.
llmc.param @keep.this = dense<0.0> : tensor<8x16xf32>

// STRICT: error: 'pad': rows of 20 weights are padded to 32, whole blocks of 16
// expected-remark@below {{'pad': rows of 20 weights are padded to 32, whole blocks of 16}}
llmc.param @pad = dense<1.0> : tensor<4x20xf32>

// STRICT: error: 'odd' is not quantized: its 6 rows are not whole groups of 4, which share a codebook
// expected-remark@below {{'odd' is not quantized: its 6 rows are not whole groups of 4, which share a codebook}}
llmc.param @odd = dense<1.0> : tensor<6x16xf32>

// STRICT: error: 'unknown' is not quantized: no statistics of its input; run llmc-calibrate first
// expected-remark@below {{'unknown' is not quantized: no statistics of its input; run llmc-calibrate first}}
llmc.param @unknown = dense<1.0> : tensor<8x16xf32>

// Nothing is compensated for an embedding, and nothing has to be known.
llmc.param @lookup = dense<1.0> : tensor<8x16xf32>

// STRICT: error: 'broken' is not quantized: it holds values that are not finite
// FINITE: error: 'broken' is not quantized: it holds values that are not finite
// expected-remark@below {{'broken' is not quantized: it holds values that are not finite}}
llmc.param @broken = dense<0x7F800000> : tensor<8x16xf32>

func.func @main(%x: tensor<?x16xf32>, %v: tensor<?x20xf32>, %ids: tensor<?xi64>)
    -> (tensor<?x8xf32>, tensor<?x4xf32>, tensor<?x8xf32>, tensor<?x16xf32>,
        tensor<?x8xf32>, tensor<?x6xf32>) {
  %k = llmc.weight @keep.this : tensor<8x16xf32>
  %0 = llmc.linear %x, %k
     : (tensor<?x16xf32>, tensor<8x16xf32>) -> tensor<?x8xf32>
  %p = llmc.weight @pad : tensor<4x20xf32>
  %1 = llmc.linear %v, %p
     : (tensor<?x20xf32>, tensor<4x20xf32>) -> tensor<?x4xf32>
  %u = llmc.weight @unknown : tensor<8x16xf32>
  %2 = llmc.linear %x, %u
     : (tensor<?x16xf32>, tensor<8x16xf32>) -> tensor<?x8xf32>
  %e = llmc.weight @lookup : tensor<8x16xf32>
  %3 = llmc.embedding %ids, %e
     : (tensor<?xi64>, tensor<8x16xf32>) -> tensor<?x16xf32>
  %b = llmc.weight @broken : tensor<8x16xf32>
  %4 = llmc.linear %x, %b
     : (tensor<?x16xf32>, tensor<8x16xf32>) -> tensor<?x8xf32>
  %o = llmc.weight @odd : tensor<6x16xf32>
  %5 = llmc.linear %x, %o
     : (tensor<?x16xf32>, tensor<6x16xf32>) -> tensor<?x6xf32>
  return %0, %1, %2, %3, %4, %5 : tensor<?x8xf32>, tensor<?x4xf32>,
      tensor<?x8xf32>, tensor<?x16xf32>, tensor<?x8xf32>, tensor<?x6xf32>
}
