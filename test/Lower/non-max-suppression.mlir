// RUN: llmc-run %s --input 'n=dense<3> : tensor<1xi64>' \
// RUN:   --input 's=dense<[[[0.9, 0.75, 0.6, 0.95, 0.5, 0.3]]]> : tensor<1x1x6xf32>' | FileCheck %s
// RUN: llmc-run %s --input 'n=dense<0> : tensor<1xi64>' \
// RUN:   --input 's=dense<0.5> : tensor<1x1x6xf32>' | FileCheck %s --check-prefix=NONE

func.func @main(%s: tensor<1x?x?xf32> {llmc.name = "s"}, %n: tensor<1xi64> {llmc.name = "n"})
    -> (tensor<?x3xi64> {llmc.name = "all"}, tensor<?x3xi64> {llmc.name = "good"}) {
  %boxes = llmc.constant dense<[[[0.0, 0.0, 1.0, 1.0], [0.0, 0.1, 1.0, 1.1], [0.0, -0.1, 1.0, 0.9],
      [0.0, 10.0, 1.0, 11.0], [0.0, 10.1, 1.0, 11.1], [0.0, 100.0, 1.0, 101.0]]]> : tensor<1x6x4xf32>
  %iou = llmc.constant dense<0.5> : tensor<1xf32>
  // CHECK: all: dense<{{\[}}[0, 0, 3], [0, 0, 0], [0, 0, 5]]>
  // NONE: all: dense<> : tensor<0x3xi64>
  %0 = llmc.non_max_suppression %boxes, %s, %n, %iou
     : (tensor<1x6x4xf32>, tensor<1x?x?xf32>, tensor<1xi64>, tensor<1xf32>) -> tensor<?x3xi64>
  // CHECK: good: dense<{{\[}}[0, 0, 3], [0, 0, 0]]>
  %limit = llmc.constant dense<0.4> : tensor<f32>
  %1 = llmc.non_max_suppression %boxes, %s, %n, %iou, %limit
     : (tensor<1x6x4xf32>, tensor<1x?x?xf32>, tensor<1xi64>, tensor<1xf32>, tensor<f32>) -> tensor<?x3xi64>
  return %0, %1 : tensor<?x3xi64>, tensor<?x3xi64>
}
