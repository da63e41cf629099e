// RUN: llmc-run %s --input 'x=dense<[[-7.0], [7.0]]> : tensor<2x1xf32>' \
// RUN:   --input 'y=dense<[3.0, -3.0]> : tensor<2xf32>' \
// RUN:   --input 'a=dense<[-7, 7, -7, -2147483648, 5]> : tensor<5xi32>' \
// RUN:   --input 'b=dense<[3, -3, 0, -1, 40]> : tensor<5xi32>' \
// RUN:   --input 'u=dense<[200, 1]> : tensor<2xui8>' \
// RUN:   --input 'v=dense<[100, 9]> : tensor<2xui8>' \
// RUN:   | FileCheck %s

func.func @main(%x: tensor<2x1xf32> {llmc.name = "x"}, %y: tensor<2xf32> {llmc.name = "y"},
                %a: tensor<5xi32> {llmc.name = "a"}, %b: tensor<5xi32> {llmc.name = "b"},
                %u: tensor<2xui8> {llmc.name = "u"}, %v: tensor<2xui8> {llmc.name = "v"})
    -> (tensor<2x2xf32> {llmc.name = "mod"}, tensor<2x2xf32> {llmc.name = "fmod"},
        tensor<2x2xf32> {llmc.name = "max"}, tensor<2x2xi1> {llmc.name = "less"},
        tensor<2x2xf32> {llmc.name = "where"},
        tensor<5xi32> {llmc.name = "idiv"}, tensor<5xi32> {llmc.name = "imod"},
        tensor<5xi32> {llmc.name = "ifmod"},
        tensor<2xui8> {llmc.name = "uadd"}, tensor<2xui8> {llmc.name = "udiv"},
        tensor<2xi1> {llmc.name = "uless"}, tensor<2xui8> {llmc.name = "ushift"},
        tensor<2xf32> {llmc.name = "pow"}) {
  // The sign is the divisor's, or with fmod the dividend's.
  // CHECK: mod: dense<{{\[}}[2.000000e+00, -1.000000e+00], [1.000000e+00, -2.000000e+00]]>
  %0 = llmc.mod %x, %y : (tensor<2x1xf32>, tensor<2xf32>) -> tensor<2x2xf32>
  // CHECK: fmod: dense<{{\[}}[-1.000000e+00, -1.000000e+00], [1.000000e+00, 1.000000e+00]]>
  %1 = llmc.mod %x, %y {fmod} : (tensor<2x1xf32>, tensor<2xf32>) -> tensor<2x2xf32>
  // CHECK: max: dense<{{\[}}[3.000000e+00, -3.000000e+00], [7.000000e+00, 7.000000e+00]]>
  %2 = llmc.max %x, %y : (tensor<2x1xf32>, tensor<2xf32>) -> tensor<2x2xf32>
  // CHECK: less: dense<{{\[}}[true, true], [false, false]]>
  %3 = llmc.less %x, %y : (tensor<2x1xf32>, tensor<2xf32>) -> tensor<2x2xi1>
  // CHECK: where: dense<{{\[}}[-7.000000e+00, -7.000000e+00], [3.000000e+00, -3.000000e+00]]>
  %4 = llmc.where %3, %x, %y : (tensor<2x2xi1>, tensor<2x1xf32>, tensor<2xf32>) -> tensor<2x2xf32>
  // Division by 0 and MIN / -1 must not end the process; the rest truncates.
  // CHECK: idiv: dense<[-2, -2, {{-?[0-9]+}}, -2147483648, 0]>
  %5 = llmc.div %a, %b : (tensor<5xi32>, tensor<5xi32>) -> tensor<5xi32>
  // CHECK: imod: dense<[2, -2, {{-?[0-9]+}}, 0, 5]>
  %6 = llmc.mod %a, %b : (tensor<5xi32>, tensor<5xi32>) -> tensor<5xi32>
  // CHECK: ifmod: dense<[-1, 1, {{-?[0-9]+}}, 0, 5]>
  %7 = llmc.mod %a, %b {fmod} : (tensor<5xi32>, tensor<5xi32>) -> tensor<5xi32>
  // CHECK: uadd: dense<[44, 10]>
  %8 = llmc.add %u, %v : (tensor<2xui8>, tensor<2xui8>) -> tensor<2xui8>
  // CHECK: udiv: dense<[2, 0]>
  %9 = llmc.div %u, %v : (tensor<2xui8>, tensor<2xui8>) -> tensor<2xui8>
  // CHECK: uless: dense<[false, true]>
  %10 = llmc.less %u, %v : (tensor<2xui8>, tensor<2xui8>) -> tensor<2xi1>
  // A shift by the width or more gives 0.
  // CHECK: ushift: dense<0>
  %11 = llmc.bit_shift %u, %v : (tensor<2xui8>, tensor<2xui8>) -> tensor<2xui8>
  // CHECK: pow: dense<[9.000000e+00, -2.700000e+01]>
  %e = llmc.constant dense<[2, 3]> : tensor<2xi64>
  %12 = llmc.pow %y, %e : (tensor<2xf32>, tensor<2xi64>) -> tensor<2xf32>
  return %0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12
    : tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xi1>, tensor<2x2xf32>,
      tensor<5xi32>, tensor<5xi32>, tensor<5xi32>, tensor<2xui8>, tensor<2xui8>,
      tensor<2xi1>, tensor<2xui8>, tensor<2xf32>
}
