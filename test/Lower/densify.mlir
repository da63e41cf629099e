// Expected values by numpy: `meta` has the places of the values, packed little
// end first; of values in one place the last one counts, and a place that there
// is none of counts nowhere ("wild").
// RUN: llmc-run %s | FileCheck %s

func.func @main()
    -> (tensor<2x12xf32> {llmc.name = "2_4"},
        tensor<2x10xf32> {llmc.name = "1_2"},
        tensor<2x9xf32> {llmc.name = "2_3"},
        tensor<2x16xf32> {llmc.name = "4_8"},
        tensor<1x16xf32> {llmc.name = "5_16"},
        tensor<2x12xf32> {llmc.name = "2_3_wild"},
        tensor<1x16xf32> {llmc.name = "2_4_wild"},
        tensor<2x2x4xui8> {llmc.name = "2_4_bits4"},
        tensor<2x1x2xui8> {llmc.name = "2_4_bits2"},
        tensor<2x1x6xui8> {llmc.name = "2_4_bits3"},
        tensor<1x2x8xui8> {llmc.name = "4_8_bits8"},
        tensor<2x1x10xui8> {llmc.name = "1_2_bits5"},
        tensor<1x1x12xui8> {llmc.name = "1_4_bits6"}) {
  %v0 = llmc.constant dense<[[3.500000e+00, 2.500000e+00, -3.000000e+00, 5.000000e-01, -4.500000e+00, -3.500000e+00], [-5.000000e-01, 3.500000e+00, -2.500000e+00, -3.500000e+00, 4.500000e+00, -5.000000e-01]]> : tensor<2x6xf32>
  %m0 = llmc.constant dense<[[217, 9], [76, 9]]> : tensor<2x2xui8>
  // CHECK: 2_4: dense<{{\[}}[0.000000e+00, 3.500000e+00, 2.500000e+00, 0.000000e+00, 0.000000e+00, -3.000000e+00, 0.000000e+00, 5.000000e-01, 0.000000e+00, -4.500000e+00, -3.500000e+00, 0.000000e+00], [-5.000000e-01, 0.000000e+00, 0.000000e+00, 3.500000e+00, -2.500000e+00, -3.500000e+00, 0.000000e+00, 0.000000e+00, 0.000000e+00, 4.500000e+00, -5.000000e-01, 0.000000e+00]]>
  %r0 = llmc.densify %v0, %m0 {pattern = "2:4"}
     : (tensor<2x6xf32>, tensor<2x2xui8>) -> tensor<2x12xf32>
  %v1 = llmc.constant dense<[[5.000000e-01, -4.500000e+00, 3.500000e+00, 2.000000e+00, -4.500000e+00], [3.000000e+00, 3.500000e+00, 4.500000e+00, 0.000000e+00, -3.500000e+00]]> : tensor<2x5xf32>
  %m1 = llmc.constant dense<[[25], [16]]> : tensor<2x1xui8>
  // CHECK: 1_2: dense<{{\[}}[0.000000e+00, 5.000000e-01, -4.500000e+00, 0.000000e+00, 3.500000e+00, 0.000000e+00, 0.000000e+00, 2.000000e+00, 0.000000e+00, -4.500000e+00], [3.000000e+00, 0.000000e+00, 3.500000e+00, 0.000000e+00, 4.500000e+00, 0.000000e+00, 0.000000e+00, 0.000000e+00, 0.000000e+00, -3.500000e+00]]>
  %r1 = llmc.densify %v1, %m1 {pattern = "1:2"}
     : (tensor<2x5xf32>, tensor<2x1xui8>) -> tensor<2x10xf32>
  %v2 = llmc.constant dense<[[-4.000000e+00, 1.000000e+00, 3.500000e+00, -1.000000e+00, -2.000000e+00, 5.000000e-01], [-4.000000e+00, -3.000000e+00, -5.000000e-01, 5.000000e-01, 1.000000e+00, -2.000000e+00]]> : tensor<2x6xf32>
  %m2 = llmc.constant dense<[[136, 8], [137, 4]]> : tensor<2x2xui8>
  // CHECK: 2_3: dense<{{\[}}[-4.000000e+00, 0.000000e+00, 1.000000e+00, 3.500000e+00, 0.000000e+00, -1.000000e+00, -2.000000e+00, 0.000000e+00, 5.000000e-01], [0.000000e+00, -4.000000e+00, -3.000000e+00, -5.000000e-01, 0.000000e+00, 5.000000e-01, 1.000000e+00, -2.000000e+00, 0.000000e+00]]>
  %r2 = llmc.densify %v2, %m2 {pattern = "2:3"}
     : (tensor<2x6xf32>, tensor<2x2xui8>) -> tensor<2x9xf32>
  %v3 = llmc.constant dense<[[-2.500000e+00, 4.500000e+00, 0.000000e+00, -3.000000e+00, 4.500000e+00, 4.500000e+00, -5.000000e-01, -3.500000e+00], [-3.500000e+00, 5.000000e-01, -2.500000e+00, -3.000000e+00, 4.000000e+00, 4.500000e+00, 4.000000e+00, 5.000000e-01]]> : tensor<2x8xf32>
  %m3 = llmc.constant dense<[[96, 141, 204], [8, 143, 204]]> : tensor<2x3xui8>
  // CHECK: 4_8: dense<{{\[}}[-2.500000e+00, 0.000000e+00, 0.000000e+00, 0.000000e+00, 4.500000e+00, 0.000000e+00, -3.000000e+00, 0.000000e+00, 4.500000e+00, 4.500000e+00, 0.000000e+00, -5.000000e-01, 0.000000e+00, 0.000000e+00, -3.500000e+00, 0.000000e+00], [-3.500000e+00, 5.000000e-01, 0.000000e+00, 0.000000e+00, -2.500000e+00, 0.000000e+00, 0.000000e+00, -3.000000e+00, 4.000000e+00, 4.500000e+00, 0.000000e+00, 4.000000e+00, 0.000000e+00, 0.000000e+00, 5.000000e-01, 0.000000e+00]]>
  %r3 = llmc.densify %v3, %m3 {pattern = "4:8"}
     : (tensor<2x8xf32>, tensor<2x3xui8>) -> tensor<2x16xf32>
  %v4 = llmc.constant dense<[[-2.500000e+00, -3.000000e+00, 3.000000e+00, 3.000000e+00, 2.000000e+00]]> : tensor<1x5xf32>
  %m4 = llmc.constant dense<[[131, 185, 14]]> : tensor<1x3xui8>
  // CHECK: 5_16: dense<{{\[}}[0.000000e+00, 0.000000e+00, 0.000000e+00, -2.500000e+00, 0.000000e+00, 0.000000e+00, 0.000000e+00, 0.000000e+00, -3.000000e+00, 3.000000e+00, 0.000000e+00, 3.000000e+00, 0.000000e+00, 0.000000e+00, 2.000000e+00, 0.000000e+00]]>
  %r4 = llmc.densify %v4, %m4 {pattern = "5:16"}
     : (tensor<1x5xf32>, tensor<1x3xui8>) -> tensor<1x16xf32>
  %v5 = llmc.constant dense<[[2.500000e+00, -1.000000e+00, -2.500000e+00, -3.000000e+00, 2.500000e+00, 0.000000e+00, -2.500000e+00, -1.000000e+00], [2.000000e+00, -3.000000e+00, -4.500000e+00, -3.000000e+00, -1.000000e+00, -2.000000e+00, -2.500000e+00, -1.000000e+00]]> : tensor<2x8xf32>
  %m5 = llmc.constant dense<[[127, 85], [240, 107]]> : tensor<2x2xui8>
  // CHECK: 2_3_wild: dense<{{\[}}[0.000000e+00, 0.000000e+00, 0.000000e+00, 0.000000e+00, -3.000000e+00, 0.000000e+00, 0.000000e+00, 0.000000e+00, 0.000000e+00, 0.000000e+00, -1.000000e+00, 0.000000e+00], [-3.000000e+00, 0.000000e+00, 0.000000e+00, 0.000000e+00, 0.000000e+00, 0.000000e+00, 0.000000e+00, 0.000000e+00, -2.000000e+00, 0.000000e+00, -1.000000e+00, -2.500000e+00]]>
  %r5 = llmc.densify %v5, %m5 {pattern = "2:3"}
     : (tensor<2x8xf32>, tensor<2x2xui8>) -> tensor<2x12xf32>
  %v6 = llmc.constant dense<[[-3.500000e+00, -3.000000e+00, 1.500000e+00, 2.000000e+00, 2.500000e+00, 2.500000e+00, -1.500000e+00, -2.000000e+00]]> : tensor<1x8xf32>
  %m6 = llmc.constant dense<[[20, 31]]> : tensor<1x2xui8>
  // CHECK: 2_4_wild: dense<{{\[}}[-3.500000e+00, -3.000000e+00, 0.000000e+00, 0.000000e+00, 2.000000e+00, 1.500000e+00, 0.000000e+00, 0.000000e+00, 0.000000e+00, 0.000000e+00, 0.000000e+00, 2.500000e+00, -2.000000e+00, -1.500000e+00, 0.000000e+00, 0.000000e+00]]>
  %r6 = llmc.densify %v6, %m6 {pattern = "2:4"}
     : (tensor<1x8xf32>, tensor<1x2xui8>) -> tensor<1x16xf32>
  %v7 = llmc.constant dense<[[[110, 215], [245, 209]], [[133, 186], [142, 159]]]> : tensor<2x2x2xui8>
  %m7 = llmc.constant dense<[[148, 222], [205, 200]]> : tensor<2x2xui8>
  // CHECK: 2_4_bits4: dense<{{\[}}{{\[}}[110, 136, 120, 141], [136, 245, 24, 216]], {{\[}}[88, 136, 138, 184], [142, 136, 143, 152]]]>
  %r7 = llmc.densify %v7, %m7 {pattern = "2:4", bits = 4}
     : (tensor<2x2x2xui8>, tensor<2x2xui8>) -> tensor<2x2x4xui8>
  %v8 = llmc.constant dense<[[[194]], [[62]]]> : tensor<2x1x1xui8>
  %m8 = llmc.constant dense<[[212], [204]]> : tensor<2x1xui8>
  // CHECK: 2_4_bits2: dense<{{\[}}{{\[}}[2, 192]], {{\[}}[194, 3]]]>
  %r8 = llmc.densify %v8, %m8 {pattern = "2:4", bits = 2, fill = 0}
     : (tensor<2x1x1xui8>, tensor<2x1xui8>) -> tensor<2x1x2xui8>
  %v9 = llmc.constant dense<[[[84, 18, 214]], [[51, 70, 155]]]> : tensor<2x1x3xui8>
  %m9 = llmc.constant dense<[[205, 233], [68, 73]]> : tensor<2x2xui8>
  // CHECK: 2_4_bits3: dense<{{\[}}{{\[}}[101, 149, 54, 13, 219, 214]], {{\[}}[115, 139, 181, 165, 107, 182]]]>
  %r9 = llmc.densify %v9, %m9 {pattern = "2:4", bits = 3, fill = 5}
     : (tensor<2x1x3xui8>, tensor<2x2xui8>) -> tensor<2x1x6xui8>
  %v10 = llmc.constant dense<[[[186, 121, 210, 108], [14, 206, 201, 183]]]> : tensor<1x2x4xui8>
  %m10 = llmc.constant dense<[[136, 22, 205]]> : tensor<1x3xui8>
  // CHECK: 4_8_bits8: dense<{{\[}}{{\[}}[186, 121, 210, 108, 100, 100, 100, 100], [100, 14, 206, 201, 100, 100, 183, 100]]]>
  %r10 = llmc.densify %v10, %m10 {pattern = "4:8", bits = 8, fill = 100}
     : (tensor<1x2x4xui8>, tensor<1x3xui8>) -> tensor<1x2x8xui8>
  %v11 = llmc.constant dense<[[[165, 76, 78, 108, 202]], [[27, 205, 163, 203, 28]]]> : tensor<2x1x5xui8>
  %m11 = llmc.constant dense<[[50], [156]]> : tensor<2x1xui8>
  // CHECK: 1_2_bits5: dense<{{\[}}{{\[}}[5, 194, 50, 33, 135, 144, 64, 155, 96, 134]], {{\[}}[27, 34, 8, 39, 60, 80, 23, 56, 33, 28]]]>
  %r11 = llmc.densify %v11, %m11 {pattern = "1:2", bits = 5}
     : (tensor<2x1x5xui8>, tensor<2x1xui8>) -> tensor<2x1x10xui8>
  %v12 = llmc.constant dense<[[[185, 43, 154]]]> : tensor<1x1x3xui8>
  %m12 = llmc.constant dense<[[128]]> : tensor<1x1xui8>
  // CHECK: 1_4_bits6: dense<{{\[}}{{\[}}[249, 255, 255, 238, 255, 255, 226, 255, 255, 255, 111, 254]]]>
  %r12 = llmc.densify %v12, %m12 {pattern = "1:4", bits = 6, fill = 63}
     : (tensor<1x1x3xui8>, tensor<1x1xui8>) -> tensor<1x1x12xui8>
  return %r0, %r1, %r2, %r3, %r4, %r5, %r6, %r7, %r8, %r9, %r10, %r11, %r12
    : tensor<2x12xf32>,
      tensor<2x10xf32>,
      tensor<2x9xf32>,
      tensor<2x16xf32>,
      tensor<1x16xf32>,
      tensor<2x12xf32>,
      tensor<1x16xf32>,
      tensor<2x2x4xui8>,
      tensor<2x1x2xui8>,
      tensor<2x1x6xui8>,
      tensor<1x2x8xui8>,
      tensor<2x1x10xui8>,
      tensor<1x1x12xui8>
}
