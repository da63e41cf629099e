// Three outputs of eight inputs, 4 bits in blocks of 4: codes 0 to 15, zero
// points in `z`, two to a byte.
llmc.param @q = dense<[[[16, 50], [84, 118]], [[152, 186], [220, 254]], [[0, 255], [8, 128]]]> : tensor<3x2x2xui8>
llmc.param @s = dense<[[0.5, 2.0], [1.0, 0.25], [4.0, 1.0]]> : tensor<3x2xf32>
llmc.param @z = dense<[[136], [120], [7]]> : tensor<3x1xui8>

func.func @main(%x: tensor<?x8xf32> {llmc.name = "x"}) -> (tensor<?x3xf32> {llmc.name = "y"}) {
  %q = llmc.weight @q : tensor<3x2x2xui8>
  %s = llmc.weight @s : tensor<3x2xf32>
  %z = llmc.weight @z : tensor<3x1xui8>
  %w = llmc.dequantize %q, %s, %z {bits = 4 : i64, block = 4 : i64, columns = 8 : i64}
    : (tensor<3x2x2xui8>, tensor<3x2xf32>, tensor<3x1xui8>) -> tensor<3x8xf32>
  %y = llmc.linear %x, %w : (tensor<?x8xf32>, tensor<3x8xf32>) -> tensor<?x3xf32>
  return %y : tensor<?x3xf32>
}
