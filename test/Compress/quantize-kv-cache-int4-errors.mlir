// RUN: llmc-opt %s --llmc-quantize-kv-cache=format=int4 -verify-diagnostics -split-input-file
// RUN: not llmc-opt %s --llmc-quantize-kv-cache="format=int4 group=0" -split-input-file 2>&1 | FileCheck %s --check-prefix=ZERO
// RUN: not llmc-opt %s --llmc-quantize-kv-cache="format=int8 group=16" -split-input-file 2>&1 | FileCheck %s --check-prefix=INT8

// ZERO: group must be at least 1, not 0
// INT8: group and rotate are of format=int4

// expected-error @+1 {{the key-value cache 'past' has rows of 40 numbers, which groups of 32 do not divide: give a `group` that does}}
func.func @main(
    %new: tensor<?x2x?x40xf32> {llmc.name = "new"},
    %past: tensor<?x2x?x40xf32> {llmc.name = "past"})
    -> (tensor<?x2x?x40xf32> {llmc.name = "present"}) {
  %k = llmc.concat %past, %new {axis = 2 : i64}
     : (tensor<?x2x?x40xf32>, tensor<?x2x?x40xf32>) -> tensor<?x2x?x40xf32>
  return %k : tensor<?x2x?x40xf32>
}

// -----

// expected-error @+1 {{the key-value cache 'past' has rows of 15 numbers, which two halves of bytes do not divide: use format=int8}}
func.func @main(
    %new: tensor<?x2x?x15xf32> {llmc.name = "new"},
    %past: tensor<?x2x?x15xf32> {llmc.name = "past"})
    -> (tensor<?x2x?x15xf32> {llmc.name = "present"}) {
  %k = llmc.concat %past, %new {axis = 2 : i64}
     : (tensor<?x2x?x15xf32>, tensor<?x2x?x15xf32>) -> tensor<?x2x?x15xf32>
  return %k : tensor<?x2x?x15xf32>
}

// -----

// expected-error @+1 {{the key-value cache 'past' has rows of a size that is not known; integers of 4 bits need it: export the model with a fixed head size}}
func.func @main(
    %new: tensor<?x2x?x?xf32> {llmc.name = "new"},
    %past: tensor<?x2x?x?xf32> {llmc.name = "past"})
    -> (tensor<?x2x?x?xf32> {llmc.name = "present"}) {
  %k = llmc.concat %past, %new {axis = 2 : i64}
     : (tensor<?x2x?x?xf32>, tensor<?x2x?x?xf32>) -> tensor<?x2x?x?xf32>
  return %k : tensor<?x2x?x?xf32>
}
