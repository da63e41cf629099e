// Every tool reads IR in the dialects of a backend that it loads, and none
// without it.
// DEFINE: %{hooks} = --load-backend=%backends/llmc-backend-hooks.so

// RUN: llmc-translate %s %{hooks} | FileCheck %s
// RUN: llmc-opt %s %{hooks} | FileCheck %s
// RUN: llmc-reduce %s %{hooks} -reduction-tree='traversal-mode=0 test=%S/Inputs/keeps-neg.sh' -o - | FileCheck %s --check-prefix=REDUCED
// CHECK: "hooks.multiply_add"(%{{.*}}, %{{.*}}, %{{.*}}) : (f32, f32, f32) -> f32
// REDUCED: func.func
// RUN: echo '{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"processId":1,"rootPath":"","capabilities":{},"trace":"off"}}' > %t.in
// RUN: echo '// -----' >> %t.in
// RUN: echo '{"jsonrpc":"2.0","method":"textDocument/didOpen","params":{"textDocument":{"uri":"test:///a.mlir","languageId":"mlir","version":1,"text":"func.func @f(%%a: f32) { %%0 = \"hooks.multiply_add\"(%%a, %%a) : (f32, f32) -> f32 return }"}}}' >> %t.in
// RUN: echo '// -----' >> %t.in
// RUN: echo '{"jsonrpc":"2.0","id":3,"method":"shutdown"}' >> %t.in
// RUN: echo '// -----' >> %t.in
// RUN: echo '{"jsonrpc":"2.0","method":"exit"}' >> %t.in
// RUN: llmc-lsp-server %{hooks} -lit-test < %t.in | FileCheck %s --check-prefix=LSP
// LSP: expected 3 operands, but found 2

// RUN: not llmc-translate %s 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// RUN: not llmc-reduce %s 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// UNKNOWN: error: {{.*}}unregistered dialect

// They list backends too, and say what is wrong with one.
// RUN: llmc-translate %{hooks} --list-backends | FileCheck %s --check-prefix=LIST
// RUN: llmc-reduce --load-backend %backends/llmc-backend-hooks.so --list-backends | FileCheck %s --check-prefix=LIST
// RUN: llmc-lsp-server %{hooks} --list-backends | FileCheck %s --check-prefix=LIST
// LIST: hooks: uses every hook
// RUN: not llmc-translate %s --load-backend=nowhere 2>&1 | FileCheck %s --check-prefix=NOWHERE
// RUN: not llmc-reduce %s --load-backend=nowhere 2>&1 | FileCheck %s --check-prefix=NOWHERE
// RUN: not llmc-lsp-server --load-backend=nowhere 2>&1 | FileCheck %s --check-prefix=NOWHERE
// NOWHERE: error: cannot load the backend '{{.*}}libllmc-backend-nowhere.so'

func.func @keep(%a: f32, %x: tensor<4xf32>) -> (f32, tensor<4xf32>) {
  %0 = "hooks.multiply_add"(%a, %a, %a) : (f32, f32, f32) -> f32
  %1 = llmc.neg %x : (tensor<4xf32>) -> tensor<4xf32>
  return %0, %1 : f32, tensor<4xf32>
}
