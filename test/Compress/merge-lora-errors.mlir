// DEFINE: %{config} = '{"lora_alpha": 4, "r": 2}'
// DEFINE: %{merge} = not llmc-opt %s -llmc-merge-lora=file=%t/adapter_model.safetensors 2>&1
// RUN: not llmc-opt %s -llmc-merge-lora 2>&1 | FileCheck %s --check-prefix=FILE
// RUN: not llmc-opt %s -llmc-merge-lora=file=%t.nothing 2>&1 | FileCheck %s --check-prefix=OPEN
// RUN: %python %S/Inputs/adapter.py %t - q.lora_A.weight=2x4 q.lora_B.weight=3x2
// RUN: %{merge} | FileCheck %s --check-prefix=ALPHA
// RUN: %python %S/Inputs/adapter.py %t '{"use_dora": true}' q.lora_A.weight=2x4 q.lora_B.weight=3x2
// RUN: %{merge} | FileCheck %s --check-prefix=DORA
// RUN: %python %S/Inputs/adapter.py %t '[]' q.lora_A.weight=2x4 q.lora_B.weight=3x2
// RUN: %{merge} | FileCheck %s --check-prefix=JSON
// RUN: %python %S/Inputs/adapter.py %t %{config} base_model.model.layers.1.q.lora_A.weight=2x4 base_model.model.layers.1.q.lora_B.weight=3x2 none.lora_A.weight=2x4 none.lora_B.weight=3x2
// RUN: %{merge} | FileCheck %s --check-prefix=MISSING
// RUN: %python %S/Inputs/adapter.py %t %{config} model.layers.0.q.lora_A.weight=2x5 model.layers.0.q.lora_B.weight=3x2
// RUN: %{merge} | FileCheck %s --check-prefix=SIZE
// RUN: %python %S/Inputs/adapter.py %t %{config} layers.0.q.lora_A.weight=2x4 layers.0.q.lora_B.weight=3x3
// RUN: %{merge} | FileCheck %s --check-prefix=RANKS
// RUN: %python %S/Inputs/adapter.py %t %{config} layers.0.q.lora_magnitude_vector=3
// RUN: %{merge} | FileCheck %s --check-prefix=UNKNOWN
// RUN: %python %S/Inputs/adapter.py %t %{config} k.lora_A.weight=2x4 k.lora_B.weight=3x2
// RUN: %{merge} | FileCheck %s --check-prefix=TWO
// RUN: %python %S/Inputs/adapter.py %t %{config} layers.0.q.lora_A.weight=2x4 layers.0.q.lora_B.weight=3x2 model.layers.0.q.lora_A.weight=2x4 model.layers.0.q.lora_B.weight=3x2
// RUN: %{merge} | FileCheck %s --check-prefix=SAME
// RUN: %python %S/Inputs/adapter.py %t %{config} head.lora_A.weight=2x4 head.lora_B.weight=3x2
// RUN: %{merge} | FileCheck %s --check-prefix=TIED
// RUN: %python %S/Inputs/adapter.py %t %{config} layers.0.q.lora_A.weight=2x4 layers.0.q.lora_B.weight=3x2
// RUN: not llmc-opt %s --pass-pipeline='builtin.module(llmc-cast-weights,llmc-merge-lora{file=%t/adapter_model.safetensors})' 2>&1 | FileCheck %s --check-prefix=CAST
// RUN: %python %S/Inputs/adapter.py %t %{config}
// RUN: %{merge} | FileCheck %s --check-prefix=EMPTY

// FILE: error: llmc-merge-lora: file names no adapter
// OPEN: error: llmc-merge-lora: {{.*}}nothing
// ALPHA: error: llmc-merge-lora: '{{.*}}adapter_config.json' is not there: give alpha
// DORA: error: llmc-merge-lora: '{{.*}}adapter_config.json': use_dora: DoRA is not supported
// JSON: error: llmc-merge-lora: '{{.*}}adapter_config.json': is no JSON object
// MISSING: error: llmc-merge-lora: no weight of the model is that of 'layers.1.q', 'none'
// SIZE: error: llmc-merge-lora: the adapter of 'model.layers.0.q' cannot be added to 'model.layers.0.q.weight': it is 3x4, the adapter 3x5
// RANKS: error: llmc-merge-lora: 'layers.0.q' has no lora_A and lora_B of one rank
// UNKNOWN: error: llmc-merge-lora: 'layers.0.q.lora_magnitude_vector' is nothing that can be added to a weight: names end in .lora_A.weight and .lora_B.weight
// TWO: error: llmc-merge-lora: 'k' may be of 'a.k' and of 'b.k'
// SAME: error: llmc-merge-lora: 'model.layers.0.q' and 'layers.0.q' are both of 'model.layers.0.q.weight'
// TIED: error: llmc-merge-lora: the adapter of 'head' cannot be added to 'head': it is tied to 'llmc.embedding', which the adapter does not change; keep leaves the adapter beside it
// CAST: error: llmc-merge-lora: the adapter of 'layers.0.q' cannot be added to 'model.layers.0.q.weight': it is not of floats any more; merge before it is compressed, or leave the adapter beside it with keep
// EMPTY: error: llmc-merge-lora: '{{.*}}' has no adapters
llmc.param @model.layers.0.q.weight = dense<1.0> : tensor<3x4xf32>
llmc.param @a.k = dense<1.0> : tensor<3x4xf32>
llmc.param @b.k = dense<1.0> : tensor<3x4xf32>
llmc.param @head = dense<1.0> : tensor<3x4xf32>

func.func @main(%x: tensor<?x4xf32>, %ids: tensor<?xi64>)
    -> (tensor<?x3xf32>, tensor<?x3xf32>, tensor<?x3xf32>, tensor<?x4xf32>,
        tensor<?x3xf32>) {
  %q = llmc.weight @model.layers.0.q.weight : tensor<3x4xf32>
  %0 = llmc.linear %x, %q
     : (tensor<?x4xf32>, tensor<3x4xf32>) -> tensor<?x3xf32>
  %a = llmc.weight @a.k : tensor<3x4xf32>
  %1 = llmc.linear %x, %a
     : (tensor<?x4xf32>, tensor<3x4xf32>) -> tensor<?x3xf32>
  %b = llmc.weight @b.k : tensor<3x4xf32>
  %2 = llmc.linear %x, %b
     : (tensor<?x4xf32>, tensor<3x4xf32>) -> tensor<?x3xf32>
  %h = llmc.weight @head : tensor<3x4xf32>
  %3 = llmc.embedding %ids, %h
     : (tensor<?xi64>, tensor<3x4xf32>) -> tensor<?x4xf32>
  %4 = llmc.linear %x, %h
     : (tensor<?x4xf32>, tensor<3x4xf32>) -> tensor<?x3xf32>
  return %0, %1, %2, %3, %4 : tensor<?x3xf32>, tensor<?x3xf32>,
      tensor<?x3xf32>, tensor<?x4xf32>, tensor<?x3xf32>
}
