//===- Outliers.td - columns of activations that are not rounded ----------===//

#ifndef LLMC_COMPRESS_OUTLIERS
#define LLMC_COMPRESS_OUTLIERS

include "mlir/Pass/PassBase.td"

def SplitOutliers : Pass<"llmc-split-outliers", "::mlir::ModuleOp"> {
  let summary = "Compute columns of large activations in floats (LLM.int8())";
  let description = [{
    Makes of a linear the sum of two: one over the few columns of its input with
    the largest magnitudes, whose weights stay floats, and one over all columns
    with these as 0. Integers for the activations of the latter then have a range
    that fits the others (mixed-precision decomposition of LLM.int8(), Dettmers
    et al., arXiv 2208.07339). Run it before the passes that quantize weights and
    activations.

    Outliers are the columns with `max |x| >= threshold` in the statistics
    (`llmc-calibrate`, `llmc-read-statistics`), at most `columns` of them, the
    largest; in the paper they are found at run time. Their weights are stored as
    `type`, in a parameter with the attribute `llmc.kept`, which the passes that
    compress weights leave alone.

    ```mlir
    %w = llmc.weight @fc1 : tensor<1536x576xf32>
    %y = llmc.linear %x, %w
       : (tensor<?x576xf32>, tensor<1536x576xf32>) -> tensor<?x1536xf32>

    // llmc-split-outliers makes of it, if columns 7 and 300 are outliers,

    llmc.param @fc1.outliers = ... : tensor<1536x2xf16> {llmc.kept}
    ...
    %i = llmc.constant dense<[7, 300]> : tensor<2xi64>
    %xo = llmc.gather %x, %i {axis = 1 : i64}
        : (tensor<?x576xf32>, tensor<2xi64>) -> tensor<?x2xf32>
    %h = llmc.weight @fc1.outliers : tensor<1536x2xf16>
    %wo = llmc.cast %h {to = f32}
        : (tensor<1536x2xf16>) -> tensor<1536x2xf32>
    %yo = llmc.linear %xo, %wo
        : (tensor<?x2xf32>, tensor<1536x2xf32>) -> tensor<?x1536xf32>
    %m = llmc.constant dense<[1.0, ..., 0.0, ...]> : tensor<576xf32>
    %xr = llmc.mul %x, %m
        : (tensor<?x576xf32>, tensor<576xf32>) -> tensor<?x576xf32>
    %w = llmc.weight @fc1 : tensor<1536x576xf32> // 0 in these columns
    %yr = llmc.linear %xr, %w
        : (tensor<?x576xf32>, tensor<1536x576xf32>) -> tensor<?x1536xf32>
    %y = llmc.add %yr, %yo
       : (tensor<?x1536xf32>, tensor<?x1536xf32>) -> tensor<?x1536xf32>
    ```

    Linears over one value share what is selected of it. The statistics are those
    of what the two linears read. Columns stay in their places, so that blocks
    do.

    A weight of which nothing is known, that something else reads too, all of
    whose columns are outliers, or with a number that would become infinite in
    `type`, stays as it is, which is a remark and with `strict` an error. For
    each weight an optimization remark of the category `llmc-compress` has the
    number of outliers, which may be 0, and the largest magnitudes among them and
    among the others.
  }];
  let options = [
    Option<"threshold", "threshold", "double", /*default=*/"6.0",
           "The magnitude from which on a column is an outlier; 0 if only "
           "their number counts">,
    Option<"columns", "columns", "int64_t", /*default=*/"0",
           "At most so many outliers of each input; 0 for any number">,
    Option<"type", "type", "::llmc::FloatFormat",
           /*default=*/"::llmc::FloatFormat::F16",
           "What the weights of outliers are stored as",
           [{::llvm::cl::values(
              clEnumValN(::llmc::FloatFormat::F16, "f16", "floats of 16 bits"),
              clEnumValN(::llmc::FloatFormat::BF16, "bf16",
                         "those with the range of f32"),
              clEnumValN(::llmc::FloatFormat::F32, "f32",
                         "floats of 32 bits"))}]>,
    Option<"skip", "skip", "std::string", /*default=*/"\"\"",
           "Leave parameters alone in whose names this regular expression "
           "finds something">,
    Option<"strict", "strict", "bool", /*default=*/"false",
           "Fail where the outliers of a weight cannot be split off">
  ];
  let statistics = [
    Statistic<"numWeights", "weights-split", "Parameters that were split">,
    Statistic<"numOutliers", "outliers", "Columns of them that stay floats">,
    Statistic<"numSkipped", "weights-skipped",
              "Parameters asked for that stay as they are">
  ];
}

#endif // LLMC_COMPRESS_OUTLIERS
