// RUN: %python %S/../Inputs/make_statistics.py %t.safetensors fc=16 t,head=8
// RUN: llmc-opt %s --split-input-file -llmc-quantize-gptq="bits=4 block=8" 2>/dev/null | FileCheck %s --check-prefix=NONE
// RUN: llmc-opt %s --llmc-read-statistics=file=%t.safetensors -llmc-quantize-gptq="bits=4 block=8 what=all" | FileCheck %s
// RUN: llmc-opt %s --llmc-read-statistics=file=%t.safetensors -llmc-quantize-gptq="bits=4 block=8 symmetric skip=^t|head" | FileCheck %s --check-prefix=SYM
// RUN: llmc-opt %s --llmc-read-statistics=file=%t.safetensors -llmc-quantize-gptq="bits=4 block=8 what=all clip=none sweeps=0" --remark-policy=all --remark-format=emitRemark --remarks-filter=llmc-compress -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// Values on their own grids stay exactly what they are, as in
// llmc-quantize-rtn: there is no error to make good.
// REMARK-DAG: bits=4, block=8, bytes_after=34, bytes_before=128, largest_error=0.000000e+00, output_error={{.*}}, param=fc, relative_error=0.000000e+00, weights=32
// REMARK-DAG: largest_error=0.000000e+00, output_error={{.*}}, param=t,
// REMARK-DAG: param=head,

// NONE: llmc.param @fc = dense<
// NONE-NOT: llmc.dequantize

// CHECK: llmc.param @fc.q = dense_resource<fc.q> : tensor<2x2x4xui8>
// CHECK: llmc.param @fc.scales = dense_resource<fc.scales> : tensor<2x2xf32>
// CHECK: llmc.param @fc.zeros = dense_resource<fc.zeros> : tensor<2x1xui8>
// SYM: llmc.param @fc.q
// SYM-NEXT: llmc.param @fc.scales
// SYM-NOT: fc.zeros
llmc.param @fc = dense<[
  [-7.0, -6.0, -5.0, -4.0, 5.0, 6.0, 7.0, 8.0,
   0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
  [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.5,
   -1.5, -1.4, -0.1, 0.0, 0.0, 0.0, 0.0, 0.0]]> : tensor<2x16xf32>

// Stored as [in, out]: the transpose goes into the bytes.
// CHECK: llmc.param @t.q = dense_resource<t.q> : tensor<2x1x4xui8>
// SYM: llmc.param @t = dense<
llmc.param @t = dense<[[0.0, 0.0], [1.0, 2.0], [2.0, 4.0], [3.0, 6.0],
                       [12.0, 24.0], [13.0, 26.0], [14.0, 28.0], [15.0, 30.0]]>
  : tensor<8x2xf32>

// An embedding that is a linear too is quantized for that.
// CHECK: llmc.param @head.q = dense_resource<head.q> : tensor<3x1x4xui8>
llmc.param @head = dense<[[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0],
                          [8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0],
                          [0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0]]>
  : tensor<3x8xf32>

// CHECK-LABEL: func.func @main
// CHECK: %[[W:.*]] = llmc.dequantize %{{[0-9]+}}, %{{[0-9]+}}, %{{[0-9]+}} {bits = 4 : i64, block = 8 : i64, columns = 16 : i64} : (tensor<2x2x4xui8>, tensor<2x2xf32>, tensor<2x1xui8>) -> tensor<2x16xf32>
// CHECK: llmc.linear %{{.*}}, %[[W]]
// CHECK-NOT: llmc.transpose
// CHECK: llmc.dequantize {{.*}} -> tensor<2x8xf32>
// CHECK: llmc.dequantize {{.*}} -> tensor<3x8xf32>
// CHECK: llmc.embedding
// CHECK: llmc.linear
// Every block of @t has codes 0 1 2 3 12 13 14 15.
// CHECK: t.q: "0x400000001032DCFE1032DCFE"
func.func @main(%x: tensor<?x16xf32>, %v: tensor<?x8xf32>, %ids: tensor<?xi64>)
    -> (tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x3xf32>) {
  %w = llmc.weight @fc : tensor<2x16xf32>
  %y = llmc.linear %x, %w
     : (tensor<?x16xf32>, tensor<2x16xf32>) -> tensor<?x2xf32>
  %s = llmc.weight @t : tensor<8x2xf32>
  %t = llmc.transpose %s {perm = array<i64: 1, 0>}
     : (tensor<8x2xf32>) -> tensor<2x8xf32>
  %z = llmc.linear %v, %t
     : (tensor<?x8xf32>, tensor<2x8xf32>) -> tensor<?x2xf32>
  %h = llmc.weight @head : tensor<3x8xf32>
  %e = llmc.embedding %ids, %h
     : (tensor<?xi64>, tensor<3x8xf32>) -> tensor<?x8xf32>
  %l = llmc.linear %e, %h
     : (tensor<?x8xf32>, tensor<3x8xf32>) -> tensor<?x3xf32>
  return %y, %z, %l : tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x3xf32>
}
