llmc.param @w = dense<0.5> : tensor<16x32xf32>

func.func @main(%x: tensor<?x32xf32> {llmc.dims = ["rows", ""], llmc.name = "x"})
    -> (tensor<?x16xf32> {llmc.dims = ["rows", ""], llmc.name = "y"}) {
  %w = llmc.weight @w : tensor<16x32xf32>
  %y = llmc.linear %x, %w : (tensor<?x32xf32>, tensor<16x32xf32>) -> tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}
