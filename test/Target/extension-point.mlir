// RUN: llmc-opt %s --load-backend=%backends/llmc-backend-test.so \
// RUN:   --llmc-extension-point=name=after-claim | FileCheck %s
// RUN: llmc-opt %s --load-backend=%backends/llmc-backend-test.so \
// RUN:   --llmc-extension-point=name=before-llvm | FileCheck %s --check-prefix=OTHER
// RUN: llmc-opt %s --llmc-extension-point=name=after-claim | FileCheck %s --check-prefix=OTHER

// The test backend canonicalizes after claims, and nowhere else.
// CHECK-LABEL: func.func @main(
// CHECK-NEXT: return
// OTHER: arith.constant
func.func @main() {
  %unused = arith.constant 1 : index
  return
}
