// RUN: llmc-opt %s --llmc-make-portable 2>%t | FileCheck %s --implicit-check-not='llmc.' --implicit-check-not=@llmc_report_error
// RUN: FileCheck %s --check-prefix=REMARK < %t
// RUN: llmc-opt %s --llmc-make-portable=drop-asserts 2>%t | FileCheck %s --check-prefix=DROPPED --implicit-check-not=cf.assert
// RUN: FileCheck %s --check-prefix=ALL < %t

// REMARK: remark: run-time checks left out: 1 (indices are clamped, but not reported)
// ALL: remark: run-time checks left out: 3{{$}}

// CHECK: module {
// CHECK: func.func @main(%[[X:.*]]: tensor<?x2xf32>, %[[OK:.*]]: i1, %[[BAD:.*]]: i1) -> (tensor<?xf32>, tensor<2xf32>, tensor<2xf32>) {
module attributes {llmc.graph_name = "g"} {
llmc.param @w = dense<[1.0, 2.0]> : tensor<2xf32>
func.func @main(%x: tensor<?x2xf32> {llmc.name = "x"},
                %w: tensor<2xf32> {llmc.param = @w}, %ok: i1, %bad: i1)
    -> (tensor<?xf32>, tensor<2xf32>, tensor<2xf32>) {
  %code = arith.constant 1 : i64
  %shape = arith.constant 2 : i64
  %n = arith.constant 4 : index
  // The branch with the call is a failure, on either side.
  // CHECK: %[[W:.*]] = arith.constant dense<[1.000000e+00, 2.000000e+00]> : tensor<2xf32>
  // CHECK: %[[HOLDS:.*]] = arith.xori %[[BAD]], %{{.*}} : i1
  // CHECK-NEXT: cf.assert %[[HOLDS]], "llmc: an index is out of range"
  scf.if %bad {
    func.call @llmc_report_error(%code) : (i64) -> ()
  }
  // CHECK: cf.assert %[[OK]], "llmc: sizes do not fit"
  // CHECK-NOT: scf.if
  // DROPPED: %[[NEG:.*]] = arith.negf
  %y = scf.if %ok -> (tensor<2xf32>) {
    %z = arith.negf %w : tensor<2xf32>
    scf.yield %z : tensor<2xf32>
  } else {
    func.call @llmc_report_error(%shape) : (i64) -> ()
    %e = tensor.empty() : tensor<2xf32>
    scf.yield %e : tensor<2xf32>
  }
  // Nothing on the device can be asserted.
  // CHECK: linalg.generic
  // CHECK: scf.if
  // CHECK-NEXT: }
  // CHECK: linalg.yield
  %init = tensor.empty() : tensor<2xf32>
  %g = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>],
                       iterator_types = ["parallel"]} outs(%init : tensor<2xf32>) {
  ^bb0(%out: f32):
    scf.if %bad {
      func.call @llmc_report_error(%code) : (i64) -> ()
    }
    %c = arith.constant 1.0 : f32
    linalg.yield %c : f32
  } -> tensor<2xf32>
  // CHECK: tensor.collapse_shape %[[X]] {{\[\[}}0, 1]] : tensor<?x2xf32> into tensor<?xf32>
  %sizes = tensor.from_elements %n : tensor<1xindex>
  %f = tensor.reshape %x(%sizes)
     : (tensor<?x2xf32>, tensor<1xindex>) -> tensor<?xf32>
  // CHECK: return %{{.*}}, %{{.*}}, %{{.*}} : tensor<?xf32>
  return %f, %y, %g : tensor<?xf32>, tensor<2xf32>, tensor<2xf32>
}
func.func private @llmc_report_error(i64)
}
