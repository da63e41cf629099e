// A recipe becomes the pipeline that its text says.
// RUN: split-file %s %t
// RUN: not llmc-opt %t/model.mlir --pass-pipeline='builtin.module(llmc-recipe{file=%t/all.yaml set={bits=3 layers=5,7}})' --dump-pass-pipeline -o /dev/null 2>&1 | FileCheck %s
// The text that is printed is a pipeline again.
// RUN: llmc-opt %t/model.mlir --llmc-recipe='file=%t/small.yaml' --dump-pass-pipeline -o /dev/null 2> %t/dump
// RUN: %python -c "print('--pass-pipeline=' + ''.join(line.strip() for line in list(open(r'%t/dump'))[1:]))" > %t/arguments
// RUN: %python -c "import subprocess; subprocess.run(['llmc-opt', r'%t/model.mlir', open(r'%t/arguments').read().strip(), '--dump-pass-pipeline', '-o', r'%t/again.mlir'], stderr=open(r'%t/again', 'w'), check=True)"
// RUN: diff %t/dump %t/again
// Its passes run.
// RUN: FileCheck %s --check-prefix=RAN --input-file=%t/again.mlir
// RUN: llmc-opt %t/model.mlir --llmc-recipe='file=%t/small.yaml set=group=16' | FileCheck %s --check-prefix=SET

// CHECK: llmc-scale-awq{bits=3 block=8 skip=a|b$ strict=false symmetric=false}
// CHECK-NEXT: llmc-prune-layers{{.*}}layers={5,7}
// CHECK-NEXT: llmc-calibrate{{[{].*}} inputs=x {{.*}} then=llmc-quantize-gptq{bits=3 skip={no such}},cse}
// CHECK-NEXT: cse

// RAN: llmc.dequantize {{.*}}bits = 4 : i64, block = 8
// SET: llmc.dequantize {{.*}}bits = 4 : i64, block = 16

//--- all.yaml
# What follows a number sign is a comment.
description: >
  Several lines
  of text.
options: {bits: 4, group: 8, layers: "3,4"}
passes:
  - llmc-scale-awq: {bits: $bits, block: $group, skip: a|b$}
  - llmc-prune-layers: {layers: $layers}
  - llmc-calibrate:
      inputs: x
      then:
        - llmc-quantize-gptq: {bits: "$bits", skip: no such}
        - cse
  - cse

//--- small.yaml
options: {group: 8}
passes:
  - llmc-quantize-rtn:
      block: $group
      half-scales: true
      skip: no such
      what: linear
  - cse

//--- model.mlir
llmc.param @fc = dense<1.0> : tensor<32x32xf32>
func.func @main(%x: tensor<?x32xf32>) -> tensor<?x32xf32> {
  %w = llmc.weight @fc : tensor<32x32xf32>
  %y = llmc.linear %x, %w : (tensor<?x32xf32>, tensor<32x32xf32>) -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}
