// RUN: llmc-opt %s --llmc-protect-arguments | FileCheck %s

// CHECK: func.func @main(%{{.*}}: tensor<4xf32> {bufferization.writable = false, llmc.name = "x"},
// CHECK-SAME: %{{.*}}: tensor<4xf32> {llmc.state = "y"},
// CHECK-SAME: %{{.*}}: tensor<4xf32> {bufferization.writable = false, llmc.param = @w})
func.func @main(%x: tensor<4xf32> {llmc.name = "x"}, %cache: tensor<4xf32> {llmc.state = "y"},
                %w: tensor<4xf32> {llmc.param = @w}) {
  return
}

// Only the entry is called from outside.
// CHECK: func.func private @other(%{{.*}}: tensor<4xf32>)
func.func private @other(%x: tensor<4xf32>) {
  return
}
