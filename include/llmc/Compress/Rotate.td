//===- Rotate.td - passes that change bases of hidden states -------------===//

#ifndef LLMC_COMPRESS_ROTATE
#define LLMC_COMPRESS_ROTATE

include "mlir/Pass/PassBase.td"

def Rotate : Pass<"llmc-rotate", "::mlir::ModuleOp"> {
  let summary = "Rotate hidden states, so that no column stands out";
  let description = [{
    Changes weights so that what they read and write is rotated, and the model
    computes what it did: outliers are spread over all columns, which grids of
    few bits fit better (QuaRot, arXiv 2404.00456; SpinQuant, arXiv 2405.16406).
    The rotations are `Q = D H / sqrt(n)` with a Hadamard matrix H, a product of
    Sylvester's and Paley's, and random signs D. Where none is known of a size,
    they are random orthogonal matrices, as a remark says.

    With `stream` the residual stream is rotated: the value that embeddings make,
    to which linears add and which norms read. Norms commute with Q once their
    scales and biases are folded into the linears that read them:

        E' = E Q            for an embedding
        W' = Q^T W, Q^T b   for a linear that adds to the stream
        W' = W diag(s) Q, b + W t   for one that reads a norm with scale s, bias t

    `llmc.layer_norm` subtracts a mean: embeddings and linears then write
    without one, (I - 11^T / n) applied before Q^T, and all of these norms become
    `llmc.rms_norm`.

    An embedding with another use, such as a head that is tied to it, stays as it
    is: a linear by Q^T behind it (`NAME.into`) rotates its rows, and one by
    diag(s) Q behind the last norm (`NAME.back`), whose scale becomes 1, undoes
    that. The same is done behind the last norm where anything but linears over
    floats reads it. These two weights ask to be quantized to 8 bits
    (`llmc.bits`).

    With `heads` the heads of values of each attention are rotated, in the rows
    of their weight and in the columns of the linear that reads the attention's
    result; the query heads of a key-value head share its rotation. What a KV
    cache holds is rotated as well: one that was filled before is of another
    model.

    ```mlir
    %y = llmc.rms_norm %x, %s {epsilon = 1.0e-5 : f32} : ...
    %q = llmc.linear %y, %w : ...
    // the same ops, with other values of @s and @w
    ```

    Statistics become those of the rotated inputs, Q^T G Q, with the scale
    divided out. The mean is exact too; E[|x|] is that of a normal distribution
    and max |x| a bound.

    A residual stream that anything else reads or adds to stays as it is, which
    is a remark that names the op and, with `strict`, an error; so do heads whose
    weights cannot be changed.
  }];
  let options = [
    Option<"stream", "stream", "bool", /*default=*/"true",
           "Rotate the residual stream">,
    Option<"heads", "heads", "bool", /*default=*/"true",
           "Rotate the heads of values">,
    Option<"seed", "seed", "int64_t", /*default=*/"0",
           "Which random signs rotations have">,
    Option<"skip", "skip", "std::string", /*default=*/"\"\"",
           "Leave a stream or an attention as it is that has a parameter in "
           "whose name this regular expression finds something">,
    Option<"strict", "strict", "bool", /*default=*/"false",
           "Fail where something cannot be rotated">
  ];
  let statistics = [
    Statistic<"numStreams", "streams", "Residual streams rotated">,
    Statistic<"numHeads", "heads", "Attentions whose values were rotated">,
    Statistic<"numSkipped", "places-skipped",
              "Streams and attentions that stay">
  ];
}

def Slice : Pass<"llmc-slice", "::mlir::ModuleOp"> {
  let summary = "Make the residual stream narrower";
  let description = [{
    Removes directions of the residual stream, the value that embeddings make, to
    which linears add and which norms read (SliceGPT, arXiv 2401.15024): rows of
    the weights that write it and columns of those that read it.

    The stream gets the first `width` eigenvectors Q of a sum of E[y y^T], where
    y is the result of a norm with scale and bias undone: rows of the stream, each
    of the same length. That is what the paper takes; its published code takes the
    rows as they are, from a model that is sliced up to there. Columns of Q go
    where llmc-rotate has its Q, which is square.

    With `basis=shared`, the sum is over all norms and there is one Q. Otherwise
    the stream has a basis of its own behind each sum that a norm reads: for that
    norm alone with `basis=own`, as in the paper, for it and all later ones with
    `basis=later`, since what goes is gone for them too. Where the basis changes
    from Q to R, what a sum adds to goes through a linear by R^T Q (`NAME.skip`),
    of `width`^2 numbers.

    With `method=columns` Q has columns of I, those of the largest `E[y_i^2]`:
    columns of weights go and nothing makes up for them.

    The result computes what the model does that has Q Q^T between the ops of its
    residual stream. Norms divide by the root of the mean over all columns,
    removed ones included: of `n`, `llmc.rms_norm` has `w` of them, the scale
    `sqrt(n / w)` and the epsilon times `n / w`.

    An embedding that is tied to a head stays whole, and two linears, behind it
    and behind the last norm, are between it and the stream (`NAME.into`,
    `NAME.back`), unless `tied` says that its rows are sliced: then it is narrowed
    to the basis of the first segment, and a linear of `width`^2 numbers is
    between the last norm and the head.

    Statistics become those of the narrower inputs, as far as what was removed
    before did not change them. Those of the linears of skips are not known.
    Streams that stay as they are, as llmc-rotate has it, and those without
    statistics give remarks and, with `strict`, errors.
  }];
  let options = [
    Option<"ratio", "ratio", "double", /*default=*/"0.2",
           "Which part of the columns goes">,
    Option<"newWidth", "width", "int64_t", /*default=*/"0",
           "In its place: how many stay">,
    Option<"multiple", "multiple", "int64_t", /*default=*/"16",
           "With `ratio`, how many stay is the nearest multiple of this">,
    Option<"basis", "basis", "::llmc::SliceBasis",
           /*default=*/"::llmc::SliceBasis::Shared",
           "What the basis behind a sum is chosen for",
           [{::llvm::cl::values(
              clEnumValN(::llmc::SliceBasis::Own, "own",
                         "the norms that read the sum"),
              clEnumValN(::llmc::SliceBasis::Later, "later",
                         "these and all behind it"),
              clEnumValN(::llmc::SliceBasis::Shared, "shared",
                         "all norms; there is one basis, and no linears are "
                         "between"))}]>,
    Option<"tied", "tied", "bool", /*default=*/"false",
           "Slice the rows of an embedding that is tied to a head, too">,
    Option<"method", "method", "::llmc::SliceMethod",
           /*default=*/"::llmc::SliceMethod::PCA", "What stays",
           [{::llvm::cl::values(
              clEnumValN(::llmc::SliceMethod::PCA, "pca",
                         "principal components"),
              clEnumValN(::llmc::SliceMethod::Columns, "columns",
                         "columns of the largest mean squares"))}]>,
    Option<"skip", "skip", "std::string", /*default=*/"\"\"",
           "Leave a stream as it is that has a parameter in whose name this "
           "regular expression finds something">,
    Option<"strict", "strict", "bool", /*default=*/"false",
           "Fail where a stream cannot be sliced">
  ];
  let statistics = [
    Statistic<"numStreams", "streams", "Residual streams sliced">,
    Statistic<"numSkipped", "streams-skipped", "Streams that stay">,
    Statistic<"numInserted", "linears", "Linears inserted">
  ];
}

#endif // LLMC_COMPRESS_ROTATE
