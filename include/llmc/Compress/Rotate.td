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
    floats reads it.

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

#endif // LLMC_COMPRESS_ROTATE
