// Two linears that share an input, an embedding that is the output layer too,
// and passes on each block.

// RUN: %python %S/../Inputs/samples.py %t.samples ids=int64:3,5
// RUN: llmc-opt %s --llmc-calibrate="inputs=%t.samples output=%t.statistics" \
// RUN:   | FileCheck %s --check-prefix=SAME
// RUN: %python -c "import safetensors; f = safetensors.safe_open('%t.statistics', 'np'); print(sorted(f.keys()), f.metadata())" \
// RUN:   | FileCheck %s --check-prefix=FILE
// RUN: llmc-opt %s --llmc-read-statistics=file=%t.statistics \
// RUN:   | FileCheck %s --check-prefix=SAME

// RUN: llmc-opt %s --pass-pipeline='builtin.module(llmc-calibrate{inputs=%t.samples then={llmc-quantize-rtn{bits=4 block=8}}})' 2>%t.remarks \
// RUN:   | FileCheck %s --check-prefix=THEN
// RUN: FileCheck %s --check-prefix=REMARK <%t.remarks
// Passes on blocks are seen by what sees those on the model.
// RUN: llmc-opt %s --pass-pipeline='builtin.module(llmc-calibrate{inputs=%t.samples then={llmc-quantize-rtn{bits=4 block=8}}})' --mlir-pass-statistics --mlir-timing -o /dev/null 2>&1 \
// RUN:   | FileCheck %s --check-prefix=SEEN

// RUN: not llmc-opt %s --llmc-calibrate 2>&1 | FileCheck %s --check-prefix=NONE
// RUN: %python %S/../Inputs/samples.py %t.other x=int64:3,5
// RUN: not llmc-opt %s --llmc-calibrate=inputs=%t.other 2>&1 \
// RUN:   | FileCheck %s --check-prefix=NAME

// SAME: llmc.weight @up
// FILE: ['down.abs_max', 'down.abs_mean', 'down.gram', 'down.mean', 'embed.abs_max', 'embed.abs_mean', 'embed.counts', 'embed.gram', 'embed.mean', 'gate.abs_max', 'gate.abs_mean', 'gate.gram', 'gate.mean']
// FILE-SAME: 'shared': '{"up":"gate"}'

// The masks of a block come back once; only what two blocks read stays whole.
// THEN: llmc.param @embed = {{.*}} : tensor<16x8xf32>
// THEN: llmc.param @gate.q
// THEN-NOT: llmc.param @gate =
// THEN: llmc.param @down.q
// THEN: %[[X:.*]] = llmc.embedding
// THEN: llmc.linear %[[X]]
// THEN: llmc.linear %[[X]]
// THEN: llmc.add %[[X]],
// THEN: llmc.linear
// REMARK: remark: llmc-calibrate: block 0 is left as it is: other blocks read its weight "embed" too
// REMARK: remark: llmc-calibrate: block 2 is left as it is

// SEEN: Pass statistics report
// SEEN: llmc-calibrate
// SEEN-NEXT: (S) 3 blocks
// SEEN: llmc-quantize-rtn
// SEEN: (S) {{ *}}3 weights-quantized
// SEEN: Execution time report
// SEEN: QuantizeRTN

// NONE: llmc-calibrate: inputs names no file of samples
// NAME: input 'ids': there is no tensor of this name

llmc.param @embed = dense<"0x00000000"> : tensor<16x8xf32>
llmc.param @gate = dense<0.5> : tensor<16x8xf32>
llmc.param @up = dense<0.25> : tensor<16x8xf32>
llmc.param @down = dense<0.125> : tensor<8x16xf32>
func.func @main(%ids: tensor<?x?xi64> {llmc.name = "ids", llmc.dims = ["batch", "sequence"]})
    -> (tensor<?x?x16xf32>) {
  %e = llmc.weight @embed : tensor<16x8xf32>
  %x = llmc.embedding %ids, %e : (tensor<?x?xi64>, tensor<16x8xf32>) -> tensor<?x?x8xf32>
  %g = llmc.weight @gate : tensor<16x8xf32>
  %u = llmc.weight @up : tensor<16x8xf32>
  %d = llmc.weight @down : tensor<8x16xf32>
  %a = llmc.linear %x, %g : (tensor<?x?x8xf32>, tensor<16x8xf32>) -> tensor<?x?x16xf32>
  %b = llmc.linear %x, %u : (tensor<?x?x8xf32>, tensor<16x8xf32>) -> tensor<?x?x16xf32>
  %m = llmc.mul %a, %b : (tensor<?x?x16xf32>, tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  %o = llmc.linear %m, %d : (tensor<?x?x16xf32>, tensor<8x16xf32>) -> tensor<?x?x8xf32>
  %y = llmc.add %x, %o : (tensor<?x?x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  %l = llmc.linear %y, %e : (tensor<?x?x8xf32>, tensor<16x8xf32>) -> tensor<?x?x16xf32>
  return %l : tensor<?x?x16xf32>
}
