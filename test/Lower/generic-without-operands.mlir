// RUN: llmc-opt %s --llmc-copies-to-loops | FileCheck %s

func.func private @report()

// A check that lost its results still runs, outside of any loop.
// CHECK-LABEL: @check
// CHECK-NOT:     linalg.generic
// CHECK:         scf.if
// CHECK-NEXT:      call @report
// CHECK:         return
func.func @check(%fails: i1) {
  "linalg.generic"() <{indexing_maps = [], iterator_types = [],
                       operandSegmentSizes = array<i32: 0, 0>}> ({
    scf.if %fails {
      func.call @report() : () -> ()
    }
    linalg.yield
  }) : () -> ()
  return
}
