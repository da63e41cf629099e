// RUN: %python %S/../Inputs/make_statistics.py %t.safetensors twice.values,both.values,read.values,broken.values,bits.values,moved.values=16 sized.values=8
// RUN: llmc-opt %s -verify-diagnostics -llmc-read-statistics=file=%t.safetensors -llmc-quantize-gptq="bits=4 block=16" -o %t.mlir
// RUN: FileCheck %s < %t.mlir
// RUN: not llmc-opt %s -llmc-read-statistics=file=%t.safetensors -llmc-quantize-gptq="bits=4 block=16 strict sweeps=1" 2>&1 | FileCheck %s --check-prefix=STRICT

// Two values in one place are no error: the later one counts.
// CHECK-NOT: twice.values
// CHECK: llmc.param @twice.q
llmc.param @twice.values = dense<1.0> : tensor<16x8xf32>
llmc.param @twice.meta = dense<0> : tensor<16x2xui8>

// Places of two and two columns.
llmc.param @meta = dense<68> : tensor<16x2xui8>

// STRICT: error: 'unknown.values' is not quantized: no statistics of its input; run llmc-calibrate first
// expected-remark@below {{'unknown.values' is not quantized: no statistics of its input; run llmc-calibrate first}}
llmc.param @unknown.values = dense<1.0> : tensor<16x8xf32>

// expected-remark@below {{'sized.values' is not quantized: its rows have 16 weights and the statistics of its input 8 columns; run llmc-calibrate again}}
llmc.param @sized.values = dense<1.0> : tensor<16x8xf32>

// expected-remark@below {{'broken.values' is not quantized: it holds values that are not finite}}
llmc.param @broken.values = dense<0x7F800000> : tensor<16x8xf32>

llmc.param @mask = dense<[[255, 0], [0, 255]]> : tensor<2x2xui8>

// STRICT: error: 'bits.values' is not quantized: the blocks of a bitmap have values of several rows, which sweeps do not go over; run with sweeps=0
// CHECK: llmc.param @bits.q
llmc.param @bits.values = dense<1.0> : tensor<16xf32>
llmc.param @bits.starts = dense<[0, 8]> : tensor<2xi32>

// expected-remark@below {{'moved.values' is not quantized: its starts are not how many values lie before each row}}
llmc.param @moved.values = dense<1.0> : tensor<16xf32>
llmc.param @moved.starts = dense<[0, 7]> : tensor<2xi32>

// Two weights of the same values, and values that are read as they are.
// expected-remark@below {{'both.values' is not quantized: 'llmc.densify' reads it too}}
llmc.param @both.values = dense<1.0> : tensor<16x8xf32>
// expected-remark@below {{'read.values' is not quantized: 'llmc.neg' reads it too}}
llmc.param @read.values = dense<1.0> : tensor<16x8xf32>

func.func @others(%x: tensor<?x16xf32>)
    -> (tensor<?x16xf32>, tensor<?x16xf32>, tensor<?x16xf32>, tensor<16x8xf32>) {
  %meta = llmc.weight @meta : tensor<16x2xui8>
  %places = llmc.weight @twice.meta : tensor<16x2xui8>
  %both = llmc.weight @both.values : tensor<16x8xf32>
  %a = llmc.densify %both, %meta {pattern = "2:4"}
     : (tensor<16x8xf32>, tensor<16x2xui8>) -> tensor<16x16xf32>
  %0 = llmc.linear %x, %a
     : (tensor<?x16xf32>, tensor<16x16xf32>) -> tensor<?x16xf32>
  %b = llmc.densify %both, %places {pattern = "2:4"}
     : (tensor<16x8xf32>, tensor<16x2xui8>) -> tensor<16x16xf32>
  %1 = llmc.linear %x, %b
     : (tensor<?x16xf32>, tensor<16x16xf32>) -> tensor<?x16xf32>
  %read = llmc.weight @read.values : tensor<16x8xf32>
  %c = llmc.densify %read, %meta {pattern = "2:4"}
     : (tensor<16x8xf32>, tensor<16x2xui8>) -> tensor<16x16xf32>
  %2 = llmc.linear %x, %c
     : (tensor<?x16xf32>, tensor<16x16xf32>) -> tensor<?x16xf32>
  %3 = llmc.neg %read : (tensor<16x8xf32>) -> tensor<16x8xf32>
  return %0, %1, %2, %3 : tensor<?x16xf32>, tensor<?x16xf32>,
      tensor<?x16xf32>, tensor<16x8xf32>
}

func.func @main(%x: tensor<?x16xf32>)
    -> (tensor<?x16xf32>, tensor<?x16xf32>, tensor<?x16xf32>, tensor<?x16xf32>,
        tensor<?x2xf32>, tensor<?x2xf32>) {
  %meta = llmc.weight @meta : tensor<16x2xui8>
  %twice = llmc.weight @twice.values : tensor<16x8xf32>
  %places = llmc.weight @twice.meta : tensor<16x2xui8>
  %a = llmc.densify %twice, %places {pattern = "2:4"}
     : (tensor<16x8xf32>, tensor<16x2xui8>) -> tensor<16x16xf32>
  %0 = llmc.linear %x, %a
     : (tensor<?x16xf32>, tensor<16x16xf32>) -> tensor<?x16xf32>
  %unknown = llmc.weight @unknown.values : tensor<16x8xf32>
  %b = llmc.densify %unknown, %meta {pattern = "2:4"}
     : (tensor<16x8xf32>, tensor<16x2xui8>) -> tensor<16x16xf32>
  %1 = llmc.linear %x, %b
     : (tensor<?x16xf32>, tensor<16x16xf32>) -> tensor<?x16xf32>
  %sized = llmc.weight @sized.values : tensor<16x8xf32>
  %c = llmc.densify %sized, %meta {pattern = "2:4"}
     : (tensor<16x8xf32>, tensor<16x2xui8>) -> tensor<16x16xf32>
  %2 = llmc.linear %x, %c
     : (tensor<?x16xf32>, tensor<16x16xf32>) -> tensor<?x16xf32>
  %broken = llmc.weight @broken.values : tensor<16x8xf32>
  %d = llmc.densify %broken, %meta {pattern = "2:4"}
     : (tensor<16x8xf32>, tensor<16x2xui8>) -> tensor<16x16xf32>
  %3 = llmc.linear %x, %d
     : (tensor<?x16xf32>, tensor<16x16xf32>) -> tensor<?x16xf32>
  %mask = llmc.weight @mask : tensor<2x2xui8>
  %bits = llmc.weight @bits.values : tensor<16xf32>
  %bits.starts = llmc.weight @bits.starts : tensor<2xi32>
  %e = llmc.densify_bitmap %bits, %mask, %bits.starts {columns = 16}
     : (tensor<16xf32>, tensor<2x2xui8>, tensor<2xi32>) -> tensor<2x16xf32>
  %4 = llmc.linear %x, %e
     : (tensor<?x16xf32>, tensor<2x16xf32>) -> tensor<?x2xf32>
  %moved = llmc.weight @moved.values : tensor<16xf32>
  %moved.starts = llmc.weight @moved.starts : tensor<2xi32>
  %f = llmc.densify_bitmap %moved, %mask, %moved.starts {columns = 16}
     : (tensor<16xf32>, tensor<2x2xui8>, tensor<2xi32>) -> tensor<2x16xf32>
  %5 = llmc.linear %x, %f
     : (tensor<?x16xf32>, tensor<2x16xf32>) -> tensor<?x2xf32>
  return %0, %1, %2, %3, %4, %5 : tensor<?x16xf32>, tensor<?x16xf32>,
      tensor<?x16xf32>, tensor<?x16xf32>, tensor<?x2xf32>, tensor<?x2xf32>
}
