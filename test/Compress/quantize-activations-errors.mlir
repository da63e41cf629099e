// RUN: %python %S/../Inputs/make_statistics.py %t.safetensors narrow=2 half=8
// RUN: llmc-opt %s -verify-diagnostics -llmc-read-statistics=file=%t.safetensors -llmc-quantize-rtn="bits=8 block=0" -llmc-quantize-activations=mode=static -o /dev/null
// RUN: not llmc-opt %s -llmc-read-statistics=file=%t.safetensors -llmc-quantize-rtn="bits=8 block=0" -llmc-quantize-activations="mode=static strict" -o /dev/null 2>&1 | FileCheck %s --check-prefix=STRICT
// RUN: not llmc-opt %s -llmc-quantize-activations="mode=static clip=0" 2>&1 | FileCheck %s --check-prefix=CLIP
// RUN: not llmc-opt %s -llmc-quantize-activations=clip=0.5 2>&1 | FileCheck %s --check-prefix=DYNAMIC
// RUN: not llmc-opt %s -llmc-quantize-activations="mode=static skip=(" 2>&1 | FileCheck %s --check-prefix=REGEX

// CLIP: error: llmc-quantize-activations: clip is 0.000000e+00; it must be above 0 and at most 1
// DYNAMIC: error: llmc-quantize-activations: clip goes with mode=static
// REGEX: error: llmc-quantize-activations: skip is not a regular expression

// STRICT: error: what the linear of 'unknown.q' reads is not rounded: no statistics of it; run llmc-calibrate first
// expected-remark@below {{what the linear of 'unknown.q' reads is not rounded: no statistics of it; run llmc-calibrate first}}
llmc.param @unknown = dense<1.0> : tensor<2x8xf32>

// STRICT: error: what the linear of 'narrow.q' reads is not rounded: the weight has rows of 8 and the statistics 2 columns; run llmc-calibrate again
// expected-remark@below {{what the linear of 'narrow.q' reads is not rounded: the weight has rows of 8 and the statistics 2 columns; run llmc-calibrate again}}
llmc.param @narrow = dense<1.0> : tensor<2x8xf32>

// STRICT: error: what the linear of 'half.q' reads is not rounded: its elements are f16
// expected-remark@below {{what the linear of 'half.q' reads is not rounded: its elements are f16}}
llmc.param @half = dense<1.0> : tensor<2x8xf16>

func.func @main(%x: tensor<?x8xf32>, %h: tensor<?x8xf16>)
    -> (tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf16>) {
  %u = llmc.weight @unknown : tensor<2x8xf32>
  %n = llmc.weight @narrow : tensor<2x8xf32>
  %w = llmc.weight @half : tensor<2x8xf16>
  %0 = llmc.linear %x, %u : (tensor<?x8xf32>, tensor<2x8xf32>) -> tensor<?x2xf32>
  %1 = llmc.linear %x, %n : (tensor<?x8xf32>, tensor<2x8xf32>) -> tensor<?x2xf32>
  %2 = llmc.linear %h, %w : (tensor<?x8xf16>, tensor<2x8xf16>) -> tensor<?x2xf16>
  return %0, %1, %2 : tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf16>
}
