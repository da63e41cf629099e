// RUN: %python %S/../Inputs/make_statistics.py %t.safetensors fc,left=8 scaled=8
// RUN: llmc-opt %s -verify-diagnostics --pass-pipeline='builtin.module(llmc-read-statistics{file=%t.safetensors},llmc-correct-error{rank=1 quantize={llmc-quantize-rtn{bits=4 block=8 skip=left}}})' -o /dev/null
// RUN: not llmc-opt %s --pass-pipeline='builtin.module(llmc-read-statistics{file=%t.safetensors},llmc-correct-error{strict rank=1 quantize={llmc-quantize-rtn{bits=4 block=8 skip=left}}})' 2>&1 | FileCheck %s --check-prefix=STRICT
// RUN: not llmc-opt %s --pass-pipeline='builtin.module(llmc-read-statistics{file=%t.safetensors},llmc-correct-error{rank=1 quantize={llmc-scale-awq,llmc-quantize-rtn{block=8}}})' 2>&1 | FileCheck %s --check-prefix=SCALED
// RUN: not llmc-opt %s --pass-pipeline='builtin.module(llmc-correct-error{method=svd quantize={llmc-quantize-rtn{strict block=24}}})' 2>&1 | FileCheck %s --check-prefix=NESTED
// RUN: not llmc-opt %s -llmc-correct-error 2>&1 | FileCheck %s --check-prefix=NONE
// RUN: not llmc-opt %s -llmc-correct-error="quantize=llmc-no-such-pass" 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// RUN: not llmc-opt %s -llmc-correct-error="quantize=llmc-quantize-rtn rank=0" 2>&1 | FileCheck %s --check-prefix=RANK

// NONE: error: llmc-correct-error: quantize names no passes
// UNKNOWN: error: llmc-correct-error: quantize is no pass pipeline: llmc-no-such-pass
// RANK: error: llmc-correct-error: rank is 0; it must be positive
// NESTED: error: 'fc': rows of 8 weights are padded to 24, whole blocks of 24

llmc.param @fc = dense<[
  [0.0, 1.2, 2.0, 3.0, 0.9, 0.1, 3.0, 2.0],
  [0.0, 1.0, 2.0, 3.0, 0.0, 0.0, 3.0, 3.0],
  [0.0, 2.0, 4.0, 6.0, 2.0, 0.0, 0.0, 0.0],
  [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]]> : tensor<4x8xf32>

// STRICT: error: 'unknown' is not corrected: no statistics of its input; run llmc-calibrate first
// expected-remark@below {{'unknown' is not corrected: no statistics of its input; run llmc-calibrate first}}
llmc.param @unknown = dense<1.0> : tensor<4x8xf32>

// STRICT: error: 'left' is not corrected: the passes of quantize did not change it
// expected-remark@below {{'left' is not corrected: the passes of quantize did not change it}}
llmc.param @left = dense<1.0> : tensor<4x8xf32>

llmc.param @norm = dense<1.0> : tensor<8xf32>

// SCALED: error: llmc-correct-error: passes of quantize changed what the linears of 'scaled' read; run these passes before
llmc.param @scaled = dense<[
  [0.0, 1.2, 2.0, 3.0, 0.9, 0.1, 3.0, 2.0],
  [0.0, 1.0, 2.0, 3.0, 0.0, 0.0, 3.0, 3.0]]> : tensor<2x8xf32>

func.func @main(%x: tensor<?x8xf32>, %v: tensor<?x8xf32>)
    -> (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x2xf32>) {
  %f = llmc.weight @fc : tensor<4x8xf32>
  %0 = llmc.linear %x, %f
     : (tensor<?x8xf32>, tensor<4x8xf32>) -> tensor<?x4xf32>
  %u = llmc.weight @unknown : tensor<4x8xf32>
  %1 = llmc.linear %v, %u
     : (tensor<?x8xf32>, tensor<4x8xf32>) -> tensor<?x4xf32>
  %l = llmc.weight @left : tensor<4x8xf32>
  %2 = llmc.linear %x, %l
     : (tensor<?x8xf32>, tensor<4x8xf32>) -> tensor<?x4xf32>
  %g = llmc.weight @norm : tensor<8xf32>
  %n = llmc.rms_norm %x, %g {epsilon = 1.0e-5 : f32}
     : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  %s = llmc.weight @scaled : tensor<2x8xf32>
  %3 = llmc.linear %n, %s
     : (tensor<?x8xf32>, tensor<2x8xf32>) -> tensor<?x2xf32>
  return %0, %1, %2, %3 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>,
      tensor<?x2xf32>
}
