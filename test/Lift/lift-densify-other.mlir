// Scattering that is no pruned weight: of another rank, and of scalars.

// RUN: llmc-opt %s --llmc-lift-densify | FileCheck %s

// CHECK: llmc.scatter_elements
func.func @main(%u: tensor<2xf32>, %i: tensor<2xi64>) -> tensor<4xf32> {
  %zero = llmc.constant dense<0.0> : tensor<f32>
  %shape = llmc.constant dense<4> : tensor<1xi64>
  %zeros = llmc.expand %zero, %shape : (tensor<f32>, tensor<1xi64>) -> tensor<4xf32>
  %y = llmc.scatter_elements none %zeros, %i, %u {axis = 0 : i64} : (tensor<4xf32>, tensor<2xi64>, tensor<2xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}
