// RUN: llmc-opt %s -verify-diagnostics -split-input-file

func.func @no_kernel(%y: tensor<2xf32>) -> tensor<2xf32> {
  // expected-error @+1 {{names 'missing', which is not a kernel}}
  %0 = llmc.launch @missing outs(%y : tensor<2xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

llmc.param @w = dense<1.0> : tensor<2xf32>
func.func @other_symbol(%y: tensor<2xf32>) -> tensor<2xf32> {
  // expected-error @+1 {{names 'w', which is not a kernel}}
  %0 = llmc.launch @w outs(%y : tensor<2xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

llmc.kernel @k by "cpu" kind "fill" {config = {}}
func.func @results(%y: tensor<2xf32>) -> tensor<3xf32> {
  // expected-error @+1 {{expected type of operand #0 ('tensor<2xf32>') to match type of corresponding result ('tensor<3xf32>')}}
  %0 = llmc.launch @k outs(%y : tensor<2xf32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// -----

llmc.kernel @k by "cpu" kind "fill" {config = {}}
func.func @no_such_output(%y: tensor<2xf32>) -> tensor<2xf32> {
  // expected-error @+1 {{updates output 1, but has 1}}
  %0 = llmc.launch @k outs(%y : tensor<2xf32>) {updates = array<i64: 1>} -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

// expected-error @+1 {{requires attribute 'config'}}
"llmc.kernel"() {sym_name = "k", backend = "cpu", kind = "fill"} : () -> ()
