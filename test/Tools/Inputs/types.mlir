func.func @main(%a: tensor<2xi1> {llmc.name = "a"}, %b: tensor<2xi4> {llmc.name = "b"}, %c: tensor<?xui8> {llmc.name = "c"},
                %d: tensor<i64> {llmc.name = "d"}, %e: tensor<2xf16> {llmc.name = "e"}, %f: tensor<f64> {llmc.name = "f"},
                %g: tensor<1xf8E4M3FN> {llmc.name = "g"}, %h: tensor<?x3xbf16> {llmc.name = "h"})
    -> (tensor<2xi1> {llmc.name = "a"}, tensor<2xi4> {llmc.name = "b"}, tensor<?xui8> {llmc.name = "c"},
        tensor<i64> {llmc.name = "d"}, tensor<2xf16> {llmc.name = "e"}, tensor<f64> {llmc.name = "f"},
        tensor<1xf8E4M3FN> {llmc.name = "g"}, tensor<?x3xbf16> {llmc.name = "h"}) {
  return %a, %b, %c, %d, %e, %f, %g, %h : tensor<2xi1>, tensor<2xi4>, tensor<?xui8>, tensor<i64>, tensor<2xf16>, tensor<f64>,
    tensor<1xf8E4M3FN>, tensor<?x3xbf16>
}
