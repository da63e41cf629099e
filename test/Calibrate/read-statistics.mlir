// RUN: %python %S/../Inputs/make_statistics.py %t.safetensors fc1=4
// RUN: llmc-opt %s --llmc-read-statistics=file=%t.safetensors | FileCheck %s
// RUN: %python %S/../Inputs/make_statistics.py %t.other fc9=4
// RUN: not llmc-opt %s --llmc-read-statistics=file=%t.other 2>&1 \
// RUN:   | FileCheck %s --check-prefix=NAME
// RUN: %python %S/../Inputs/make_statistics.py %t.size fc1=5
// RUN: not llmc-opt %s --llmc-read-statistics=file=%t.size 2>&1 \
// RUN:   | FileCheck %s --check-prefix=SIZE
// RUN: not llmc-opt %s --llmc-read-statistics=file=%t.absent 2>&1 \
// RUN:   | FileCheck %s --check-prefix=ABSENT
// RUN: not llmc-opt %s --llmc-read-statistics=file=%s 2>&1 \
// RUN:   | FileCheck %s --check-prefix=FORMAT

// CHECK: llmc.linear
// NAME: llmc-read-statistics: '{{.*}}' is of another model: there is no parameter 'fc9'
// SIZE: is of another model: no side of 'fc1' has 5 numbers
// ABSENT: error: llmc-read-statistics: {{.*}}.absent
// FORMAT: is no safetensors file

llmc.param @fc1 = dense<1.0> : tensor<8x4xf32>
func.func @main(%x: tensor<?x4xf32>) -> tensor<?x8xf32> {
  %w = llmc.weight @fc1 : tensor<8x4xf32>
  %y = llmc.linear %x, %w : (tensor<?x4xf32>, tensor<8x4xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}
