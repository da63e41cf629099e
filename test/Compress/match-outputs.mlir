// What a reference is compared with, and what is said where there is none.

// RUN: %python %S/../Inputs/samples.py %t.samples ids=int64:3,5
// RUN: llmc-opt %s --pass-pipeline='builtin.module(llmc-calibrate{inputs=%t.samples reference=true then={llmc-match-outputs{strict=true},llmc-quantize-rtn{bits=4 block=8 what=linear}}})' \
// RUN:   | FileCheck %s --check-prefix=STAGES

// RUN: llmc-opt %s --pass-pipeline='builtin.module(llmc-calibrate{inputs=%t.samples},llmc-match-outputs{skip=up})' 2>&1 >/dev/null \
// RUN:   | FileCheck %s --check-prefix=NONE --implicit-check-not="'up'"
// RUN: not llmc-opt %s --pass-pipeline='builtin.module(llmc-calibrate{inputs=%t.samples then={llmc-match-outputs{strict=true}}})' 2>&1 >/dev/null \
// RUN:   | FileCheck %s --check-prefix=STRICT

// RUN: not llmc-opt %s --llmc-calibrate="inputs=%t.samples reference=true" 2>&1 \
// RUN:   | FileCheck %s --check-prefix=THEN
// RUN: not llmc-opt %s --llmc-match-outputs=input=1.5 2>&1 \
// RUN:   | FileCheck %s --check-prefix=INPUT
// RUN: not llmc-opt %s --llmc-match-outputs=residual=-1 2>&1 \
// RUN:   | FileCheck %s --check-prefix=RESIDUAL
// RUN: not llmc-opt %s --llmc-match-outputs=damping=-1 2>&1 \
// RUN:   | FileCheck %s --check-prefix=DAMPING

// Both stages come back in the order of the model.
// STAGES: llmc.param @norm
// STAGES-DAG: llmc.param @gate.q
// STAGES-DAG: llmc.param @up.q
// STAGES-DAG: llmc.param @down.q
// STAGES: %[[X:.*]] = llmc.embedding
// STAGES: llmc.rms_norm %[[X]]
// STAGES: llmc.linear
// STAGES: llmc.linear
// STAGES: llmc.mul
// STAGES: llmc.linear
// STAGES: llmc.add %[[X]],
// STAGES: return

// NONE: remark: 'gate' is not matched: nothing is known of how its input has changed; run this pass in then of llmc-calibrate with reference=true
// NONE: remark: 'down' is not matched
// STRICT: error: 'gate' is not matched
// THEN: error: llmc-calibrate: reference is for models that then compresses
// INPUT: error: llmc-match-outputs: input is 1.5{{.*}}; it must be from 0 to 1
// RESIDUAL: error: llmc-match-outputs: residual is -1{{.*}}; it must be from 0 to 1
// DAMPING: error: llmc-match-outputs: damping is -1{{.*}}; it must not be negative

llmc.param @embed = dense<0.25> : tensor<16x8xf32>
llmc.param @norm = dense<1.0> : tensor<8xf32>
llmc.param @gate = dense<0.5> : tensor<16x8xf32>
llmc.param @up = dense<0.25> : tensor<16x8xf32>
llmc.param @down = dense<0.125> : tensor<8x16xf32>
func.func @main(%ids: tensor<?x?xi64> {llmc.name = "ids", llmc.dims = ["batch", "sequence"]})
    -> (tensor<?x?x8xf32>) {
  %e = llmc.weight @embed : tensor<16x8xf32>
  %n = llmc.weight @norm : tensor<8xf32>
  %x = llmc.embedding %ids, %e : (tensor<?x?xi64>, tensor<16x8xf32>) -> tensor<?x?x8xf32>
  %r = llmc.rms_norm %x, %n {epsilon = 1.0e-5 : f32} : (tensor<?x?x8xf32>, tensor<8xf32>) -> tensor<?x?x8xf32>
  %g = llmc.weight @gate : tensor<16x8xf32>
  %u = llmc.weight @up : tensor<16x8xf32>
  %d = llmc.weight @down : tensor<8x16xf32>
  %a = llmc.linear %r, %g : (tensor<?x?x8xf32>, tensor<16x8xf32>) -> tensor<?x?x16xf32>
  %b = llmc.linear %r, %u : (tensor<?x?x8xf32>, tensor<16x8xf32>) -> tensor<?x?x16xf32>
  %m = llmc.mul %a, %b : (tensor<?x?x16xf32>, tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  %o = llmc.linear %m, %d : (tensor<?x?x16xf32>, tensor<8x16xf32>) -> tensor<?x?x8xf32>
  %y = llmc.add %x, %o : (tensor<?x?x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return %y : tensor<?x?x8xf32>
}
