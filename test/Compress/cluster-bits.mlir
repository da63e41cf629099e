// What llmc-allocate-bits chose counts, not the option.

// RUN: llmc-opt %s --llmc-cluster="bits=4 block=16 weighting=none" 2>%t | FileCheck %s
// RUN: llmc-opt %s --llmc-cluster="method=nf4 block=16 weighting=none" 2>&1 >/dev/null | FileCheck %s --check-prefix=NF4
// RUN: FileCheck %s --check-prefix=WRONG <%t

// CHECK: llmc.param @two.q = {{.*}} : tensor<64x1x4xui8>
// CHECK: llmc.param @two.codebook = {{.*}} : tensor<1x4xf16>
// CHECK: llmc.param @four.q = {{.*}} : tensor<64x1x8xui8>
// CHECK: llmc.lookup {{.*}} {bits = 2 : i64, block = 16 : i64, columns = 16 : i64}
// CHECK: llmc.lookup {{.*}} {bits = 4 : i64, block = 16 : i64, columns = 16 : i64}
// NF4: remark: 'two' is not quantized: llmc.bits is 2, and these values have 4 bits
// WRONG: remark: 'wrong' is not quantized: llmc.bits is 60; 2 to 8 are defined
llmc.param @two = dense<1.0> : tensor<64x16xf32> {llmc.bits = 2 : i64}
llmc.param @four = dense<1.0> : tensor<64x16xf32>
llmc.param @wrong = dense<1.0> : tensor<64x16xf32> {llmc.bits = 60 : i64}

func.func @main(%x: tensor<?x16xf32>) -> (tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>) {
  %a = llmc.weight @two : tensor<64x16xf32>
  %b = llmc.weight @four : tensor<64x16xf32>
  %c = llmc.weight @wrong : tensor<64x16xf32>
  %0 = llmc.linear %x, %a : (tensor<?x16xf32>, tensor<64x16xf32>) -> tensor<?x64xf32>
  %1 = llmc.linear %x, %b : (tensor<?x16xf32>, tensor<64x16xf32>) -> tensor<?x64xf32>
  %2 = llmc.linear %x, %c : (tensor<?x16xf32>, tensor<64x16xf32>) -> tensor<?x64xf32>
  return %0, %1, %2 : tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>
}
