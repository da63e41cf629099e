// What llmc-run refuses, of its arguments and of modules.
// RUN: split-file %s %t
// RUN: not llmc-run %t/good.mlir 2>&1 | FileCheck %s --check-prefix=MISSING
// MISSING: llmc-run: no --input for 'x'
// RUN: not llmc-run %t/good.mlir --input x=foo 2>&1 | FileCheck %s --check-prefix=VALUE
// RUN: not llmc-run %t/good.mlir --input x 2>&1 | FileCheck %s --check-prefix=VALUE
// RUN: not llmc-run %t/good.mlir --input 'x=dense<1.0> : vector<2xf32>' 2>&1 | FileCheck %s --check-prefix=VALUE
// RUN: not llmc-run %t/good.mlir --input 'x=dense<(1.0,2.0)> : tensor<2xcomplex<f32>>' 2>&1 | FileCheck %s --check-prefix=VALUE
// RUN: not llmc-run %t/good.mlir --input 'x=dense<1> : tensor<2xindex>' 2>&1 | FileCheck %s --check-prefix=VALUE
// RUN: not llmc-run %t/good.mlir --input 'x=dense<1> : tensor<2xi128>' 2>&1 | FileCheck %s --check-prefix=VALUE
// VALUE: llmc-run: --input x: expected an elements attribute such as 'dense<[1.0, 2.0]> : tensor<2xf32>'
// RUN: not llmc-run %t/good.mlir --input 'z=dense<1.0> : tensor<2xf32>' 2>&1 | FileCheck %s --check-prefix=NAME
// NAME: llmc-run: --input z: @main has no input of this name
// RUN: not llmc-run %t/good.mlir --input 'x=dense<1.0> : tensor<2xf32>' --input 'x=dense<1.0> : tensor<2xf32>' 2>&1 | FileCheck %s --check-prefix=TWICE
// TWICE: llmc-run: --input x: is given twice
// RUN: not llmc-run %t/good.mlir --input 'x=dense<1> : tensor<2xi32>' 2>&1 | FileCheck %s --check-prefix=TYPE
// TYPE: llmc-run: input 'x' has element type i32, expected f32
// RUN: not llmc-run %t/good.mlir --input 'x=dense<1.0> : tensor<1x2xf32>' 2>&1 | FileCheck %s --check-prefix=RANK
// RANK: llmc-run: input 'x' has rank 2, expected 1
// RUN: not llmc-run %t/good.mlir --input 'x=dense<1.0> : tensor<3xf32>' 2>&1 | FileCheck %s --check-prefix=SIZE
// SIZE: llmc-run: input 'x': dimension 0 is 3, expected 2
// RUN: not llmc-run %t/good.mlir -O4 --input 'x=dense<1.0> : tensor<2xf32>' 2>&1 | FileCheck %s --check-prefix=LEVEL
// LEVEL: error: there is no optimization level 4
// RUN: not llmc-run %t/none.mlir 2>&1 | FileCheck %s --check-prefix=FILE
// FILE: error: cannot open input file '{{.*}}none.mlir': No such file or directory
// RUN: not llmc-run %t/dims.mlir --input 'a=dense<1.0> : tensor<2xf32>' --input 'b=dense<1.0> : tensor<3xf32>' 2>&1 | FileCheck %s --check-prefix=DIMS
// DIMS: llmc-run: input 'b': dimension 0 is 3, expected 2

// RUN: not llmc-run %t/no-main.mlir 2>&1 | FileCheck %s --check-prefix=NO-MAIN
// RUN: not llmc-run %t/declared.mlir 2>&1 | FileCheck %s --check-prefix=NO-MAIN
// NO-MAIN: error: the module has no function @main
// RUN: not llmc-run %t/scalar.mlir 2>&1 | FileCheck %s --check-prefix=SCALAR
// SCALAR: error: argument 0 of @main has type 'f32'; compiled code takes ranked tensors of integers and floats of at most 64 bits
// RUN: not llmc-run %t/complex.mlir 2>&1 | FileCheck %s --check-prefix=COMPLEX
// COMPLEX: error: result 0 of @main has type 'tensor<2xcomplex<f32>>'
// RUN: not llmc-run %t/bad-dims.mlir 2>&1 | FileCheck %s --check-prefix=BAD-DIMS
// BAD-DIMS: error: argument 0 of @main: llmc.dims must have a string for each dimension
// RUN: not llmc-run %t/bad-name.mlir 2>&1 | FileCheck %s --check-prefix=BAD-NAME
// BAD-NAME: error: result 0 of @main: llmc.name must be a string
// RUN: not llmc-run %t/unknown.mlir 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// UNKNOWN: unknown.mlir:2:8: error: no lowering for the ONNX op ai.onnx.Other version 1

//--- good.mlir
func.func @main(%x: tensor<2xf32> {llmc.name = "x"}) -> tensor<2xf32> {
  return %x : tensor<2xf32>
}
//--- dims.mlir
func.func @main(%a: tensor<?xf32> {llmc.name = "a", llmc.dims = ["n"]}, %b: tensor<?xf32> {llmc.name = "b", llmc.dims = ["n"]}) {
  return
}
//--- no-main.mlir
func.func @other() {
  return
}
//--- declared.mlir
func.func private @main()
//--- scalar.mlir
func.func @main(%x: f32) {
  return
}
//--- complex.mlir
func.func @main() -> tensor<2xcomplex<f32>> {
  %0 = tensor.empty() : tensor<2xcomplex<f32>>
  return %0 : tensor<2xcomplex<f32>>
}
//--- bad-dims.mlir
func.func @main(%x: tensor<2x2xf32> {llmc.dims = ["a", 1]}) {
  return
}
//--- bad-name.mlir
func.func @main(%x: tensor<2xf32>) -> (tensor<2xf32> {llmc.name = 1}) {
  return %x : tensor<2xf32>
}
//--- unknown.mlir
func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
  %0 = llmc.onnx "" : "Other" version 1 (%x) {node_attributes = {}, present = array<i1: true>} : (tensor<2xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}
