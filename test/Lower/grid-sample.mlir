// RUN: llmc-run %s --input 'x=dense<[[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]]]> : tensor<1x1x3x3xf32>' \
// RUN:   --input 'grid=dense<[[[[-1.0, -1.0], [0.0, 0.0], [1.0, 1.0], [2.0, 0.0], [0x7FC00000, 0x7F800000]]]]> : tensor<1x1x5x2xf32>' | FileCheck %s

// The last position is no number at all: nothing is read for it outside of the
// image.
func.func @main(%x: tensor<?x1x?x3xf32> {llmc.name = "x"}, %grid: tensor<?x1x?x2xf32> {llmc.name = "grid"})
    -> (tensor<?x1x1x?xf32> {llmc.name = "zeros"}, tensor<?x1x1x?xf32> {llmc.name = "border"},
        tensor<?x1x1x?xf32> {llmc.name = "corners"}, tensor<?x1x1x?xf32> {llmc.name = "nearest"},
        tensor<?x1x1x?xf32> {llmc.name = "cubic"}, tensor<?x1x1x?xf32> {llmc.name = "mirror"}) {
  // CHECK: zeros: dense<{{\[}}[{{\[}}[2.500000e-01, 5.000000e+00, 2.250000e+00, 0.000000e+00,
  %0 = llmc.grid_sample %x, %grid
     : (tensor<?x1x?x3xf32>, tensor<?x1x?x2xf32>) -> tensor<?x1x1x?xf32>
  // CHECK: border: dense<{{\[}}[{{\[}}[1.000000e+00, 5.000000e+00, 9.000000e+00, 6.000000e+00,
  %1 = llmc.grid_sample %x, %grid {padding_mode = "border"}
     : (tensor<?x1x?x3xf32>, tensor<?x1x?x2xf32>) -> tensor<?x1x1x?xf32>
  // CHECK: corners: dense<{{\[}}[{{\[}}[1.000000e+00, 5.000000e+00, 9.000000e+00, 0.000000e+00,
  %2 = llmc.grid_sample %x, %grid {align_corners}
     : (tensor<?x1x?x3xf32>, tensor<?x1x?x2xf32>) -> tensor<?x1x1x?xf32>
  // CHECK: nearest: dense<{{\[}}[{{\[}}[1.000000e+00, 5.000000e+00, 9.000000e+00, 0.000000e+00,
  %3 = llmc.grid_sample %x, %grid {mode = "nearest"}
     : (tensor<?x1x?x3xf32>, tensor<?x1x?x2xf32>) -> tensor<?x1x1x?xf32>
  // CHECK: cubic: dense<{{\[}}[{{\[}}[6.250000e-02, 5.000000e+00, 2.437500e+00, 0.000000e+00,
  %4 = llmc.grid_sample %x, %grid {mode = "cubic"}
     : (tensor<?x1x?x3xf32>, tensor<?x1x?x2xf32>) -> tensor<?x1x1x?xf32>
  // CHECK: mirror: dense<{{\[}}[{{\[}}[2.500000e-01, 5.000000e+00, 9.750000e+00, 5.000000e+00,
  %5 = llmc.grid_sample %x, %grid {mode = "cubic", padding_mode = "reflection"}
     : (tensor<?x1x?x3xf32>, tensor<?x1x?x2xf32>) -> tensor<?x1x1x?xf32>
  return %0, %1, %2, %3, %4, %5 : tensor<?x1x1x?xf32>, tensor<?x1x1x?xf32>, tensor<?x1x1x?xf32>,
      tensor<?x1x1x?xf32>, tensor<?x1x1x?xf32>, tensor<?x1x1x?xf32>
}
