// Parameters of 4 bits are packed, two to a byte.
// RUN: llmc-run %s | FileCheck %s
// RUN: llmc-opt %s --llmc-params-to-arguments | FileCheck %s --check-prefix=ARGUMENT

module {
  llmc.param @w = dense<[[-1, 2, 3], [4, -5, 7], [-8, 0, 1]]> : tensor<3x3xi4>
  // ARGUMENT: func.func @main(%[[W:.*]]: tensor<5xui8> {llmc.param = @w})
  // ARGUMENT: llmc.unpack %[[W]] {shape = array<i64: 3, 3>, to = i4} : (tensor<5xui8>) -> tensor<3x3xi4>
  func.func @main() -> (tensor<3x3xi32> {llmc.name = "y"}) {
    // CHECK: y: dense<{{\[}}[-1, 2, 3], [4, -5, 7], [-8, 0, 1]]>
    %w = llmc.weight @w : tensor<3x3xi4>
    %0 = llmc.cast %w {to = i32} : (tensor<3x3xi4>) -> tensor<3x3xi32>
    return %0 : tensor<3x3xi32>
  }
}
