// RUN: %python %S/Inputs/adapter.py %t '{"lora_alpha": 4, "r": 2, "alpha_pattern": {"1.self.k": 6}}' base_model.model.model.layers.0.self.q.lora_A.weight=2x4 base_model.model.model.layers.0.self.q.lora_B.weight=3x2=0.5 base_model.model.model.layers.1.self.k.lora_A.weight=2x4 base_model.model.model.layers.1.self.k.lora_B.weight=3x2 base_model.model.model.embed.lora_embedding_A=2x5 base_model.model.model.embed.lora_embedding_B=4x2
// RUN: llmc-opt %s -llmc-merge-lora=file=%t/adapter_model.safetensors | FileCheck %s
// RUN: llmc-opt %s -llmc-merge-lora="file=%t/adapter_model.safetensors alpha=8" --remark-policy=all --remark-format=emitRemark --remarks-filter=llmc-compress -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK
// RUN: llmc-opt %s -llmc-merge-lora="file=%t/adapter_model.safetensors keep" | FileCheck %s --check-prefix=KEEP
// RUN: llmc-opt %s --pass-pipeline='builtin.module(llmc-quantize-rtn{bits=8 block=8 what=linear},llmc-merge-lora{file=%t/adapter_model.safetensors keep})' 2>/dev/null | FileCheck %s --check-prefix=QUANTIZED

// The option is for all of them.
// REMARK-DAG: module=model.layers.0.self.q, param=model.layers.0.self.q.weight, rank=2, scale=4.0
// REMARK-DAG: module=model.layers.1.self.k, param=onnx::MatMul_7, rank=2, scale=4.0
// REMARK-DAG: module=model.embed, param=embed, rank=2, scale=4.0

// KEEP: llmc.param @model.layers.0.self.q.weight.u = dense_resource<{{.*}}> : tensor<3x2xf32>
// KEEP: llmc.param @model.layers.0.self.q.weight.v = dense_resource<{{.*}}> : tensor<2x4xf32>
// KEEP: llmc.param @model.layers.0.self.q.weight = dense<1.0
// QUANTIZED: llmc.param @model.layers.0.self.q.weight.q.u
llmc.param @model.layers.0.self.q.weight = dense<1.0> : tensor<3x4xf32>
// Named by the node that reads it only.
llmc.param @"onnx::MatMul_7" = dense<2.0> : tensor<4x3xf32>
// Of another layer.
// CHECK: llmc.param @other = dense<5.0
llmc.param @other = dense<5.0> : tensor<3x4xf32>
llmc.param @embed = dense<3.0> : tensor<5x4xf32>

// KEEP-LABEL: func.func @main
// KEEP-SAME: (%[[X:[a-z0-9]+]]: tensor<?x4xf32>
// KEEP: %[[V:.*]] = llmc.weight @model.layers.0.self.q.weight.v
// KEEP: %[[XV:.*]] = llmc.linear %[[X]], %[[V]]
// KEEP: llmc.linear %[[XV]]
// KEEP: llmc.add
// KEEP: llmc.linear %{{.*}}, %{{.*}} : (tensor<?x4xf32>, tensor<2x4xf32>) -> tensor<?x2xf32>
// KEEP: llmc.embedding {{.*}} -> tensor<?x2xf32>
// 4 / 2 * 0.5 * 2 more than 1; 6 / 2 * 2 more than 2; 4 / 2 * 2 more than 3.
// CHECK-DAG: model.layers.0.self.q.weight: "0x40000000000040400000404000004040
// CHECK-DAG: MatMul_7": "0x40000000000000410000004100000041
// CHECK-DAG: embed: "0x400000000000E0400000E0400000E040
func.func @main(%x: tensor<?x4xf32>, %ids: tensor<?xi64>)
    -> (tensor<?x3xf32>, tensor<?x3xf32>, tensor<?x3xf32>, tensor<?x4xf32>) {
  %q = llmc.weight @model.layers.0.self.q.weight : tensor<3x4xf32>
  %0 = llmc.linear %x, %q
     : (tensor<?x4xf32>, tensor<3x4xf32>) -> tensor<?x3xf32>
  %k = llmc.weight @"onnx::MatMul_7" : tensor<4x3xf32>
  %t = llmc.transpose %k {perm = array<i64: 1, 0>}
     : (tensor<4x3xf32>) -> tensor<3x4xf32>
  %1 = llmc.linear %x, %t
     : (tensor<?x4xf32>, tensor<3x4xf32>) -> tensor<?x3xf32>
     loc("/model/layers.1/self/k/MatMul")
  %o = llmc.weight @other : tensor<3x4xf32>
  %2 = llmc.linear %x, %o
     : (tensor<?x4xf32>, tensor<3x4xf32>) -> tensor<?x3xf32>
     loc("/model/layers.0/self/k/MatMul")
  %e = llmc.weight @embed : tensor<5x4xf32>
  %3 = llmc.embedding %ids, %e
     : (tensor<?xi64>, tensor<5x4xf32>) -> tensor<?x4xf32>
  return %0, %1, %2, %3 : tensor<?x3xf32>, tensor<?x3xf32>, tensor<?x3xf32>,
      tensor<?x4xf32>
}
