// Sizes that only folding finds to contradict what was declared are errors.
// RUN: llmc-opt %s --canonicalize --split-input-file --verify-diagnostics

func.func @too_many() -> tensor<10xi32> {
  %x = llmc.constant dense<[0, 1, 2, 3, 4]> : tensor<5xi32>
  %y = llmc.constant dense<[[1, -1]]> : tensor<1x2xi64>
  %1 = llmc.reduce max %y {axes = array<i64: 1>, keepdims = false} : (tensor<1x2xi64>) -> tensor<1xi64>
  %9 = llmc.constant dense<9> : tensor<1xi64>
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @+1 {{inferred type(s) 'tensor<4xi32>' are incompatible with return type(s) of operation 'tensor<10xi32>'}}
  %a = llmc.slice %x, %1, %9, %1 {axes = array<i64: 0>}
     : (tensor<5xi32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<10xi32>
  return %a : tensor<10xi32>
}

// -----

func.func @far() -> tensor<5xi32> {
  %x = llmc.constant dense<[0, 1, 2, 3, 4]> : tensor<5xi32>
  %y = llmc.constant dense<[[9223372036854775807, 0]]> : tensor<1x2xi64>
  %0 = llmc.reduce min %y {axes = array<i64: 1>, keepdims = false} : (tensor<1x2xi64>) -> tensor<1xi64>
  %9 = llmc.reduce max %y {axes = array<i64: 1>, keepdims = false} : (tensor<1x2xi64>) -> tensor<1xi64>
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @+1 {{inferred type(s) 'tensor<1xi32>' are incompatible with return type(s) of operation 'tensor<5xi32>'}}
  %a = llmc.slice %x, %0, %9, %9 {axes = array<i64: 0>}
     : (tensor<5xi32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<5xi32>
  return %a : tensor<5xi32>
}

// -----

func.func @step() -> tensor<5xi32> {
  %x = llmc.constant dense<[0, 1, 2, 3, 4]> : tensor<5xi32>
  %y = llmc.constant dense<[[9, 0]]> : tensor<1x2xi64>
  %0 = llmc.reduce min %y {axes = array<i64: 1>, keepdims = false} : (tensor<1x2xi64>) -> tensor<1xi64>
  %9 = llmc.reduce max %y {axes = array<i64: 1>, keepdims = false} : (tensor<1x2xi64>) -> tensor<1xi64>
  // expected-error @+2 {{steps must not be 0}}
  // expected-error @+1 {{failed to infer returned types}}
  %a = llmc.slice %x, %0, %9, %0 {axes = array<i64: 0>}
     : (tensor<5xi32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<5xi32>
  return %a : tensor<5xi32>
}
