// Expected values by numpy, in doubles.
// RUN: llmc-run %s --input 'x=dense<[[1.0, 2.0, 3.0], [1000.0, 1000.0, 0xFF800000], [-1.0, 0.0, 1.0]]> : tensor<3x3xf32>' | FileCheck %s

func.func @main(%x: tensor<?x3xf32> {llmc.name = "x"})
    -> (tensor<?x3xf32> {llmc.name = "last"},
        tensor<2x2xf32> {llmc.name = "first"},
        tensor<2x2xf32> {llmc.name = "log"},
        tensor<2xf32> {llmc.name = "log_big"}) {
  // CHECK: last: dense<{{\[}}[{{(9\.0030[0-9]*e-02|0\.090030[0-9]*)}}, {{(2\.4472[0-9]*e-01|0\.24472[0-9]*)}}, {{(6\.6524[0-9]*e-01|0\.66524[0-9]*)}}], [5.000000e-01, 5.000000e-01, {{-?}}0.000000e+00], [{{(9\.0030[0-9]*e-02|0\.090030[0-9]*)}}, {{(2\.4472[0-9]*e-01|0\.24472[0-9]*)}}, {{(6\.6524[0-9]*e-01|0\.66524[0-9]*)}}]]>
  %r0 = llmc.softmax %x
     : (tensor<?x3xf32>) -> tensor<?x3xf32>
  %y = llmc.constant dense<[[1.0, 2.0], [3.0, -1.0]]> : tensor<2x2xf32>
  // CHECK: first: dense<{{\[}}[{{(1\.1920[0-9]*e-01|0\.11920[0-9]*)}}, {{(9\.5257[0-9]*e-01|0\.95257[0-9]*)}}], [{{(8\.8079[0-9]*e-01|0\.88079[0-9]*)}}, {{(4\.7425[0-9]*e-02|0\.047425[0-9]*)}}]]>
  %r1 = llmc.softmax %y {axis = 0}
     : (tensor<2x2xf32>) -> tensor<2x2xf32>
  // CHECK: log: dense<{{\[}}[{{(-1\.3132[0-9]*e\+00|-1\.3132[0-9]*)}}, {{(-3\.1326[0-9]*e-01|-0\.31326[0-9]*)}}], [{{(-1\.8149[0-9]*e-02|-0\.018149[0-9]*)}}, {{(-4\.0181[0-9]*e\+00|-4\.0181[0-9]*)}}]]>
  %r2 = llmc.softmax %y {axis = -1, log}
     : (tensor<2x2xf32>) -> tensor<2x2xf32>
  %big = llmc.constant dense<[1000.0, 1001.0]> : tensor<2xf32>
  // Nothing overflows.
  // CHECK: log_big: dense<[{{(-1\.3132[0-9]*e\+00|-1\.3132[0-9]*)}}, {{(-3\.1326[0-9]*e-01|-0\.31326[0-9]*)}}]>
  %r3 = llmc.softmax %big {axis = 0, log}
     : (tensor<2xf32>) -> tensor<2xf32>
  return %r0, %r1, %r2, %r3
    : tensor<?x3xf32>,
      tensor<2x2xf32>,
      tensor<2x2xf32>,
      tensor<2xf32>
}
