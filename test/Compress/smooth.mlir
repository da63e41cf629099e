// RUN: %python %S/../Inputs/make_statistics.py %t.statistics up=8
// RUN: llmc-opt %s --llmc-read-statistics=file=%t.statistics --llmc-smooth -o %t.mlir
// RUN: FileCheck %s < %t.mlir
// RUN: llmc-run %s --input 'x=dense<[[1.0, -2.0, 3.0, 0.5, 0.25, 4.0, -1.0, 2.0]]> : tensor<1x8xf32>' > %t.before
// RUN: llmc-run %t.mlir --input 'x=dense<[[1.0, -2.0, 3.0, 0.5, 0.25, 4.0, -1.0, 2.0]]> : tensor<1x8xf32>' > %t.after
// RUN: %python -c "import re; a, b = ([float(v) for v in re.findall(r'-?\d+\.\d+e?[+-]?\d*', open(f).read())] for f in ('%t.before', '%t.after')); assert a and len(a) == len(b) and all(abs(x - y) <= 1e-5 * abs(x) for x, y in zip(a, b)), (a, b)"

// The scale of the norm is divided by what the weight's columns are multiplied
// with; the model computes what it did.
// CHECK-NOT: llmc.param @norm = dense<1.000000e+00>
// CHECK-NOT: llmc.param @up = dense<5.000000e-01>
// CHECK: llmc.rms_norm
// CHECK: llmc.linear

llmc.param @norm = dense<1.0> : tensor<8xf32>
llmc.param @up = dense<0.5> : tensor<4x8xf32>
func.func @main(%x: tensor<?x8xf32> {llmc.name = "x"}) -> tensor<?x4xf32> {
  %n = llmc.weight @norm : tensor<8xf32>
  %h = llmc.rms_norm %x, %n {epsilon = 1.0e-5 : f32} : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  %w = llmc.weight @up : tensor<4x8xf32>
  %y = llmc.linear %h, %w : (tensor<?x8xf32>, tensor<4x8xf32>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}
