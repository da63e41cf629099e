llmc.param @w = dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>

func.func @main(%x: tensor<?x2xf32> {llmc.dims = ["rows", ""], llmc.name = "x"})
    -> (tensor<?x2xf32> {llmc.dims = ["rows", ""], llmc.name = "y"}) {
  %w = llmc.weight @w : tensor<2x2xf32>
  %y = llmc.linear %x, %w : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}
