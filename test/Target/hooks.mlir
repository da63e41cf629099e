// Two backends in one compilation. The first one asked has every hook.
// DEFINE: %{hooks} = --load-backend=%backends/llmc-backend-hooks.so
// DEFINE: %{both} = %{hooks} --load-backend=cpu

// Each takes what is its own; what neither takes stays, and is a remark.
// RUN: llmc-opt %s %{both} --llmc-claim-kernels 2>%t.log | FileCheck %s --check-prefix=CLAIMED
// RUN: FileCheck %s --check-prefix=REMARK < %t.log
// CLAIMED-DAG: llmc.kernel @{{.*}} by "hooks" kind "linear"
// CLAIMED-DAG: llmc.kernel @{{.*}} by "cpu" kind "linear"
// CLAIMED: func.func @main
// CLAIMED: llmc.weight @hooks.w.hooks.rows
// CLAIMED: llmc.launch
// CLAIMED: llmc.weight @other.w.cpu.
// CLAIMED: llmc.launch
// CLAIMED: llmc.linear
// REMARK: remark: {{.*}}
// REMARK-NOT: remark:

// The order of loading is the order of asking.
// RUN: llmc-opt %s --load-backend=cpu %{hooks} --llmc-claim-kernels 2>&1 | FileCheck %s --check-prefix=SWAPPED
// SWAPPED-NOT: by "hooks"

// Together they compute what the reference does: worked out by hand.
// RUN: llmc-run %s --input 'x=dense<[[1.0, 2.0], [0.5, -1.0]]> : tensor<2x2xf32>' --input 'v=dense<[[2.0, 0.5]]> : tensor<1x2xf32>' 2>&1 | FileCheck %s --check-prefix=VALUES
// RUN: llmc-run %s %{both} --input 'x=dense<[[1.0, 2.0], [0.5, -1.0]]> : tensor<2x2xf32>' --input 'v=dense<[[2.0, 0.5]]> : tensor<1x2xf32>' 2>&1 | FileCheck %s --check-prefix=VALUES
// VALUES: y: dense<{{\[}}[4.300000e+01], [-1.050000e+01]]>

// Threads are given parts of a batch if all backends allow it.
// RUN: llmc-opt %s %{both} --llmc-lower 2>/dev/null | FileCheck %s --check-prefix=WHOLE
// WHOLE-NOT: @main_part
// RUN: llmc-opt %s --load-backend=cpu --llmc-lower 2>/dev/null | FileCheck %s --check-prefix=PARTS
// PARTS: llvm.func @main_part

// Hooks are called in this order; the kernels are of a dialect that is
// registered, and lowered by a pass that extends the pipeline.
// RUN: rm -rf %t.llmc && llmc-compile %s %{both} -o %t.llmc 2>/dev/null
// RUN: FileCheck %s --check-prefix=FILE < %t.llmc/hooks.txt
// FILE: linked: 1 : i64
// FILE-NEXT: points: ["before-claim", "after-claim", "before-bufferization", "after-bufferization", "before-llvm"]
// RUN: FileCheck %s --check-prefix=MANIFEST < %t.llmc/manifest.json
// MANIFEST: "hooks.txt": {{[1-9][0-9]*}}
// MANIFEST: "hooks.w.hooks.rows"
// MANIFEST: "other.w.cpu.
// A backend's own files are the artifact's, which is replaced.
// RUN: llmc-compile %s --target=reference -o %t.llmc 2>/dev/null
// RUN: not ls %t.llmc/hooks.txt

// What fails is the compilation's error, and leaves nothing behind.
// RUN: rm -rf %t.failed && mkdir %t.failed
// RUN: not llmc-compile %s %{both} --target=hooks:translate -o %t.failed/a 2>&1 | FileCheck %s --check-prefix=TRANSLATE
// TRANSLATE: error: translate was told to fail
// RUN: not llmc-compile %s %{both} --target=hooks:link -o %t.failed/a 2>&1 | FileCheck %s --check-prefix=LINK
// LINK: error: link was told to fail
// RUN: not llmc-compile %s %{both} --target=hooks:serialize -o %t.failed/a 2>&1 | FileCheck %s --check-prefix=SERIALIZE
// SERIALIZE: error: backend 'hooks': serialize was told to fail
// RUN: not llmc-compile %s %{both} --target=hooks:none -o %t.failed/a 2>&1 | FileCheck %s --check-prefix=OPTION
// OPTION: error: target 'hooks:none': there is no hook 'none'
// RUN: ls -A %t.failed | count 0

llmc.param @hooks.w = dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
llmc.param @other.w = dense<[[1.0, 1.0], [0.0, 2.0]]> : tensor<2x2xf32>

func.func @main(%x: tensor<?x2xf32> {llmc.name = "x"},
                %v: tensor<1x2xf32> {llmc.name = "v"})
    -> (tensor<?x1xf32> {llmc.name = "y"}) {
  // [5, 11], [-1.5, -2.5]
  %hooks = llmc.weight @hooks.w : tensor<2x2xf32>
  %0 = llmc.linear %x, %hooks
     : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
  // [16, 22], [-4, -5]
  %other = llmc.weight @other.w : tensor<2x2xf32>
  %1 = llmc.linear %0, %other
     : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
  // 2 * 16 + 0.5 * 22 and so on. No backend has a kernel for this weight.
  %2 = llmc.linear %1, %v
     : (tensor<?x2xf32>, tensor<1x2xf32>) -> tensor<?x1xf32>
  return %2 : tensor<?x1xf32>
}
