// RUN: llmc-opt %s -verify-diagnostics --llmc-quantize-activations=block=10 | FileCheck %s
// RUN: llmc-opt %s '--llmc-quantize-activations=block=64 skip=large|zeros|plain|pruned strict' | FileCheck %s --check-prefix=ROW
// RUN: llmc-opt %s --llmc-quantize-activations | FileCheck %s --check-prefix=NONE
// RUN: not llmc-opt %s --llmc-quantize-activations="block=10 strict" 2>&1 | FileCheck %s --check-prefix=STRICT
// RUN: not llmc-opt %s --llmc-quantize-activations=block=-1 2>&1 | FileCheck %s --check-prefix=NEGATIVE
// RUN: not llmc-opt %s --llmc-quantize-activations="block=16 mode=static" 2>&1 | FileCheck %s --check-prefix=STATIC

// NEGATIVE: error: llmc-quantize-activations: block is -1; it must not be negative
// STATIC: error: llmc-quantize-activations: block goes with mode=dynamic

llmc.param @multiples = dense<16> : tensor<2x6xui8>
llmc.param @rows = dense<1.0> : tensor<2x1xf32>
llmc.param @half = dense<1.0> : tensor<2x1xf16>

// As many whole blocks of the weight as there are; 22 columns are 6 blocks of
// 4, the last one padded.
// CHECK-LABEL: func.func @main(
// CHECK-SAME: %[[X:.*]]: tensor<?x22xf32>)
// CHECK-DAG: %[[A:.*]] = llmc.quantize_dynamic %[[X]] {block = 8 : i64}
// CHECK-DAG: %[[B:.*]] = llmc.quantize_dynamic %[[X]] {block = 24 : i64}
// CHECK-DAG: %[[C:.*]] = llmc.quantize_dynamic %[[X]] {block = 4 : i64}
// CHECK: llmc.linear %[[A]]
// CHECK: llmc.linear %[[A]]
// CHECK: llmc.linear %[[B]]
// CHECK: llmc.linear %[[C]]
// CHECK: llmc.linear %[[C]]
// CHECK: llmc.linear %[[C]]
// CHECK: llmc.linear %[[C]]
// ROW: %[[X:.*]]: tensor<?x22xf32>)
// ROW: %[[A:.*]] = llmc.quantize_dynamic %[[X]] {block = 24 : i64}
// ROW-NOT: quantize_dynamic
// ROW: llmc.linear %[[A]]
// ROW: llmc.linear %[[A]]
// ROW: llmc.linear %[[A]]
// ROW: llmc.linear %[[X]]
// NONE-COUNT-2: llmc.quantize_dynamic
// NONE-NOT: llmc.quantize_dynamic
func.func @main(%x: tensor<?x22xf32>)
    -> (tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>,
        tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>) {
  %q = llmc.weight @q : tensor<2x6x2xui8>
  %m = llmc.weight @multiples : tensor<2x6xui8>
  %c = llmc.cast %m {to = f32} : (tensor<2x6xui8>) -> tensor<2x6xf32>
  %r = llmc.weight @rows : tensor<2x1xf32>
  %s = llmc.mul %c, %r : (tensor<2x6xf32>, tensor<2x1xf32>) -> tensor<2x6xf32>
  %w = llmc.dequantize %q, %s {bits = 4, block = 4, columns = 22}
     : (tensor<2x6x2xui8>, tensor<2x6xf32>) -> tensor<2x22xf32>
  %0 = llmc.linear %x, %w
     : (tensor<?x22xf32>, tensor<2x22xf32>) -> tensor<?x2xf32>

  // The factors in the other order, and rows that are cast.
  %h = llmc.weight @half : tensor<2x1xf16>
  %hc = llmc.cast %h {to = f32} : (tensor<2x1xf16>) -> tensor<2x1xf32>
  %hs = llmc.mul %hc, %c : (tensor<2x1xf32>, tensor<2x6xf32>) -> tensor<2x6xf32>
  %hw = llmc.dequantize %q, %hs {bits = 4, block = 4, columns = 22}
     : (tensor<2x6x2xui8>, tensor<2x6xf32>) -> tensor<2x22xf32>
  %1 = llmc.linear %x, %hw
     : (tensor<?x22xf32>, tensor<2x22xf32>) -> tensor<?x2xf32>

  // One block of a row is all there is.
  %o = llmc.weight @one.q : tensor<2x1x12xui8>
  %ow = llmc.dequantize %o, %r {bits = 4, block = 24, columns = 22}
     : (tensor<2x1x12xui8>, tensor<2x1xf32>) -> tensor<2x22xf32>
  %2 = llmc.linear %x, %ow
     : (tensor<?x22xf32>, tensor<2x22xf32>) -> tensor<?x2xf32>

  // One of these times -8 is no integer of 8 bits.
  %lq = llmc.weight @large.q : tensor<2x6x2xui8>
  %lm = llmc.weight @large : tensor<2x6xui8>
  %lc = llmc.cast %lm {to = f32} : (tensor<2x6xui8>) -> tensor<2x6xf32>
  %ls = llmc.mul %lc, %r : (tensor<2x6xf32>, tensor<2x1xf32>) -> tensor<2x6xf32>
  %lw = llmc.dequantize %lq, %ls {bits = 4, block = 4, columns = 22}
     : (tensor<2x6x2xui8>, tensor<2x6xf32>) -> tensor<2x22xf32>
  %3 = llmc.linear %x, %lw
     : (tensor<?x22xf32>, tensor<2x22xf32>) -> tensor<?x2xf32>

  %zq = llmc.weight @zeros.q : tensor<2x6x2xui8>
  %z = llmc.weight @zeros : tensor<2x3xui8>
  %zw = llmc.dequantize %zq, %s, %z {bits = 4, block = 4, columns = 22}
     : (tensor<2x6x2xui8>, tensor<2x6xf32>, tensor<2x3xui8>) -> tensor<2x22xf32>
  %4 = llmc.linear %x, %zw
     : (tensor<?x22xf32>, tensor<2x22xf32>) -> tensor<?x2xf32>

  %p = llmc.weight @plain.q : tensor<2x6x2xui8>
  %ps = llmc.weight @scales : tensor<2x6xf32>
  %pw = llmc.dequantize %p, %ps {bits = 4, block = 4, columns = 22}
     : (tensor<2x6x2xui8>, tensor<2x6xf32>) -> tensor<2x22xf32>
  %5 = llmc.linear %x, %pw
     : (tensor<?x22xf32>, tensor<2x22xf32>) -> tensor<?x2xf32>

  %d = llmc.weight @pruned.q : tensor<2x6x1xui8>
  %dm = llmc.weight @meta : tensor<2x3xui8>
  %dq = llmc.densify %d, %dm {pattern = "2:4", bits = 4}
     : (tensor<2x6x1xui8>, tensor<2x3xui8>) -> tensor<2x6x2xui8>
  %dw = llmc.dequantize %dq, %s {bits = 4, block = 4, columns = 22}
     : (tensor<2x6x2xui8>, tensor<2x6xf32>) -> tensor<2x22xf32>
  %6 = llmc.linear %x, %dw
     : (tensor<?x22xf32>, tensor<2x22xf32>) -> tensor<?x2xf32>
  return %0, %1, %2, %3, %4, %5, %6
       : tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>,
         tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>
}

llmc.param @q = dense<0> : tensor<2x6x2xui8>
llmc.param @one.q = dense<0> : tensor<2x1x12xui8>
// expected-remark@below {{what the linear of 'large.q' reads is rounded in blocks of 4, not of 10: its scales are not integers times a number of their row, as progressive of llmc-quantize-rtn makes them}}
llmc.param @large.q = dense<0> : tensor<2x6x2xui8>
llmc.param @large = dense<[[16, 16, 16, 16, 16, 17], [1, 1, 1, 1, 1, 1]]>
  : tensor<2x6xui8>
// STRICT: error: what the linear of 'zeros.q' reads is rounded in blocks of 4, not of 10
// expected-remark@below {{what the linear of 'zeros.q' reads is rounded in blocks of 4, not of 10: its scales are not}}
llmc.param @zeros.q = dense<0> : tensor<2x6x2xui8>
llmc.param @zeros = dense<0> : tensor<2x3xui8>
// expected-remark@below {{what the linear of 'plain.q' reads is rounded in blocks of 4, not of 10: its scales are not}}
llmc.param @plain.q = dense<0> : tensor<2x6x2xui8>
llmc.param @scales = dense<1.0> : tensor<2x6xf32>
// expected-remark@below {{what the linear of 'pruned.q' reads is rounded in blocks of 4, not of 10: it is pruned in groups}}
llmc.param @pruned.q = dense<0> : tensor<2x6x1xui8>
llmc.param @meta = dense<0> : tensor<2x3xui8>
