// Expected values by numpy.linalg.det; the second needs rows exchanged, the
// third is singular.
// RUN: llmc-run %s --input 'x=dense<[[[2.0, 1.0, 0.0], [4.0, -2.0, 8.0], [1.0, 0.0, 1.0]], [[0.0, 2.0, 1.0], [3.0, 0.0, 0.0], [0.0, 0.0, 4.0]], [[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [1.0, 1.0, 1.0]]]> : tensor<3x3x3xf32>' | FileCheck %s

func.func @main(%x: tensor<?x3x3xf32> {llmc.name = "x"})
    -> (tensor<?xf32> {llmc.name = "det"},
        tensor<f32> {llmc.name = "one"}) {
  // CHECK: det: dense<[{{-?}}0.000000e+00, -2.400000e+01, {{-?}}0.000000e+00]>
  %r0 = llmc.det %x
     : (tensor<?x3x3xf32>) -> tensor<?xf32>
  %one = llmc.constant dense<[[-2.5]]> : tensor<1x1xf32>
  // CHECK: one: dense<-2.500000e+00>
  %r1 = llmc.det %one
     : (tensor<1x1xf32>) -> tensor<f32>
  return %r0, %r1
    : tensor<?xf32>,
      tensor<f32>
}
