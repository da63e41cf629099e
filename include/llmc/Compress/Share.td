//===- Share.td - passes by which weights share numbers ------------------===//

#ifndef LLMC_COMPRESS_SHARE
#define LLMC_COMPRESS_SHARE

include "mlir/Pass/PassBase.td"

def ShareParameters : Pass<"llmc-share-parameters", "::mlir::ModuleOp"> {
  let summary = "Store equal parameters once, transposes too";
  let description = [{
    Parameters of one type whose bytes are equal become one, and so do matrices
    one of which is the transpose of the other: exporters write the embedding
    `[V, D]` and a head `[D, V]` of models in which they are tied. The one that
    stays is what an embedding reads, or else the first; a transpose that a
    reader did undoes that of the other. Run it behind `llmc-lift`.

    ```mlir
    llmc.param @embed = dense_resource<embed> : tensor<49152x576xf32>
    llmc.param @head = dense_resource<head> : tensor<576x49152xf32>
    ...
    %w = llmc.weight @head : tensor<576x49152xf32>
    %t = llmc.transpose %w {perm = array<i64: 1, 0>}
       : (tensor<576x49152xf32>) -> tensor<49152x576xf32>

    // llmc-share-parameters makes of it

    llmc.param @embed = dense_resource<embed> : tensor<49152x576xf32>
    ...
    %t = llmc.weight @embed : tensor<49152x576xf32>
    ```

    With a `tolerance` floats that differ become one too: b goes away for a if
    |a - b| / |b| is at most that, Frobenius norms. Vectors stay unless
    `vectors` is set: there is little to save, and a pass that folds scales into
    a norm, or adds to a bias, needs one that nothing else reads.

    What statistics knew of the inputs of both is known of the one that stays:
    moments over the rows of both.

    For each parameter that goes away the pass emits an optimization remark of
    the category `llmc-compress`, with the one that stays as `shared_with`, the
    bytes of both, and the relative error.
  }];
  let options = [
    Option<"tolerance", "tolerance", "double", /*default=*/"0",
           "The largest |a - b| / |b| of parameters of floats that become one; "
           "0: their bytes must be equal">,
    Option<"vectors", "vectors", "bool", /*default=*/"false",
           "Those of one dimension too, such as norms and biases">,
    Option<"skip", "skip", "std::string", /*default=*/"\"\"",
           "Leave parameters alone in whose names this regular expression "
           "finds something">
  ];
  let statistics = [
    Statistic<"numShared", "parameters-shared", "Parameters that went away">,
    Statistic<"bytesSaved", "bytes-saved", "Bytes of those">
  ];
}

def ShareLayers : Pass<"llmc-share-layers", "::mlir::ModuleOp"> {
  let summary = "Let neighbouring layers share weights, or a basis of them";
  let description = [{
    Blocks of the model whose linears have weights of the same sizes in the same
    order, such as its attentions, or its MLPs, are taken in groups of `group`
    successive ones; names do not count. The linears at one place in the blocks
    of a group share what stands for their weights W_l, [out, in].

    | method | W_l becomes |
    |---|---|
    | `basis` | U_l V with the V, [r, in], of the group and U_l, [out, r], of the layer (Basis Sharing, arXiv 2410.03765) |
    | `fit` | (sum W_l G_l) (sum G_l)^-1, with which outputs are off the least |
    | `mean` | the mean of all W_l, for which no data is needed |

    A basis is that of `llmc-factorize{method=svd-llm}` for all W_l one below the
    other, with G = E[x x^T] over the rows that all of them read: the singular
    values of [W_1; W_2; ...] S, S S^T = G, are cut off behind r. One weight for
    several layers is what ALBERT (arXiv 1909.11942) has; models that were not
    trained with it lose most of what they know. To G, or each G_l, `damping`
    times the mean of its diagonal is added. Computed in f64.

    ```mlir
    %w0 = llmc.weight @q0 : tensor<576x576xf32>
    %y0 = llmc.linear %x0, %w0 : ...
    ...
    %w1 = llmc.weight @q1 : tensor<576x576xf32>
    %y1 = llmc.linear %x1, %w1 : ...

    // llmc-share-layers{rank=256} makes of it

    %v = llmc.weight @q0.basis : tensor<256x576xf32>
    %u0 = llmc.weight @q0.u : tensor<576x256xf32>
    %y0 = llmc.linear (llmc.linear %x0, %v), %u0 : ...
    ...
    %u1 = llmc.weight @q1.u : tensor<576x256xf32>
    %y1 = llmc.linear (llmc.linear %x1, %v), %u1 : ...
    ```

    Statistics go on: a shared parameter has those of the rows of all layers,
    U_l those of V x for the rows x of its layer.

    A weight that was asked for and stays is a remark and, with `strict`, an
    error: for the reasons of `llmc-factorize`; one that several blocks read; one
    that no other layer of its group can share with, such as the output layer's,
    or the last of a number of layers that `group` does not divide. The remark of
    a weight has `shared_with`, the parameter that is shared, which adds to
    `bytes_after` of the first layer, and `rank`.
  }];
  let options = [
    Option<"method", "method", "::llmc::ShareMethod",
           /*default=*/"::llmc::ShareMethod::Basis", "What is shared",
           [{::llvm::cl::values(
              clEnumValN(::llmc::ShareMethod::Basis, "basis",
                         "a matrix that each layer multiplies by its own"),
              clEnumValN(::llmc::ShareMethod::Fit, "fit",
                         "the weight with the least error of outputs"),
              clEnumValN(::llmc::ShareMethod::Mean, "mean",
                         "the mean of the weights"))}]>,
    Option<"group", "group", "int64_t", /*default=*/"2",
           "How many layers share">,
    Option<"rank", "rank", "int64_t", /*default=*/"0",
           "The rank of a basis; a basis needs one of this and `ratio`">,
    Option<"ratio", "ratio", "double", /*default=*/"0",
           "The part of the numbers of a group that basis and factors may "
           "have">,
    Option<"damping", "damping", "double", /*default=*/"0.01",
           "Of the mean of G's diagonal, what is added to it">,
    Option<"skip", "skip", "std::string", /*default=*/"\"\"",
           "Leave parameters alone in whose names this regular expression "
           "finds something">,
    Option<"strict", "strict", "bool", /*default=*/"false",
           "Fail where a weight cannot be shared">
  ];
  let statistics = [
    Statistic<"numGroups", "groups", "Groups of weights that share">,
    Statistic<"numWeights", "weights", "Parameters replaced">,
    Statistic<"numSkipped", "weights-skipped",
              "Parameters asked for that stay as they are">,
    Statistic<"bytesBefore", "bytes-before",
              "Bytes of the replaced parameters before">,
    Statistic<"bytesAfter", "bytes-after",
              "Bytes of what stands for them">
  ];
}

def Cluster : Pass<"llmc-cluster", "::mlir::ModuleOp"> {
  let summary = "Let weights share a few values, by indices into codebooks";
  let description = [{
    Rewrites each parameter that is the weight of `llmc.linear` or
    `llmc.embedding` into `llmc.lookup` over new parameters: an index of `bits`
    bits for each weight, a codebook of `2^bits` values for each `rows`
    successive rows and, with `block`, a scale for each so many weights of a
    row. Values need not lie on a grid: they are where the weights are.

    A scale is the weight of the largest magnitude in its block, with its sign,
    so that all blocks have one end in common; that magnitude for published
    values. With `clip=mse` it becomes the one of 26 from 0.7 to 1.2 of that
    with the least squared error, twice in turn with the values if these are
    not published.

    Values of `method=kmeans` and `exact` are those with a small, or the least,
    sum of squared errors of the weights that share them (of weights divided by
    their scales). `exact` is dynamic programming (Grønlund et al., arXiv
    1701.07204); `kmeans`, which is several times faster and next to as good, is
    Lloyd's iteration from the exact values of a histogram. With
    `weighting=activations` each square counts times E[x^2] of the activation
    that the weight is multiplied with, as SqueezeLLM (arXiv 2306.07629) counts it times the Fisher
    information.

    Published values are one codebook for all of a model: `nf4` has the 16 of
    QLoRA (arXiv 2305.14314), `fp4` those of the OCP's E2M1, `fp8-e4m3` and
    `fp8-e5m2` those of its 8-bit floats, of which the largest magnitude becomes
    the largest finite one. `mxfp4`, `mxfp6-*` and `mxfp8-*` are the OCP's
    Microscaling formats (MX, version 1.0): 32 weights share a power of two,
    2^(floor(log2(max|w|)) - emax) with the exponent emax of the largest finite
    value, which 8 bits store (E8M0), and larger quotients saturate. With
    `clip=mse` it becomes twice or half of that where this lowers the squared
    error. Floats are rounded to the nearest, ties to even.

    With `dims` an index stands for as many successive weights of a row, and a
    codebook has vectors (GPTVQ, arXiv 2402.15319): all of as many values for
    each place as bits allow, moved by Lloyd's iteration with the same weights
    of squares. `bits` are those of an index.

    With `compensate` indices are chosen column by column as in
    `llmc-quantize-gptq`, the columns behind making good for the error of one,
    or of the columns of one vector, which is the nearest by what of its error
    those behind it cannot make good; then `refit` rounds of conjugate gradients
    move the values of each codebook to where the error (w - w') H (w - w')^T of
    outputs is least. `weighting` is `activations` then unless it is said.

    ```mlir
    llmc.param @fc1 = dense_resource<fc1> : tensor<1536x576xf32>
    ...
    %w = llmc.weight @fc1 : tensor<1536x576xf32>

    // llmc-cluster{bits=4 block=0 rows=16} makes of it

    llmc.param @fc1.q = dense_resource<fc1.q> : tensor<1536x1x288xui8>
    llmc.param @fc1.codebook = dense_resource<fc1.codebook> : tensor<96x16xf16>
    ...
    %q = llmc.weight @fc1.q : tensor<1536x1x288xui8>
    %h = llmc.weight @fc1.codebook : tensor<96x16xf16>
    %c = llmc.cast %h {to = f32} : (tensor<96x16xf16>) -> tensor<96x16xf32>
    %w = llmc.lookup %q, %c {bits = 4, block = 576, columns = 576}
       : (tensor<1536x1x288xui8>, tensor<96x16xf32>) -> tensor<1536x576xf32>
    ```

    A weight that was asked for and cannot be clustered stays as it is, which is
    a remark and, with `strict`, an error: for the reasons of
    `llmc-quantize-rtn`, and one whose rows `rows` does not divide, that is
    pruned, or of whose input nothing is known where that is needed. Reports are
    those of `llmc-quantize-rtn`, and `rows`.
  }];
  let options = [
    Option<"bits", "bits", "int64_t", /*default=*/"0",
           "Bits of each index, 2 to 8; 0 for 4 or what the method has">,
    Option<"method", "method", "::llmc::ClusterMethod",
           /*default=*/"::llmc::ClusterMethod::KMeans",
           "Where the values come from",
           [{::llvm::cl::values(
              clEnumValN(::llmc::ClusterMethod::KMeans, "kmeans",
                         "Lloyd's iteration"),
              clEnumValN(::llmc::ClusterMethod::Exact, "exact",
                         "those of the least squared error"),
              clEnumValN(::llmc::ClusterMethod::NF4, "nf4",
                         "QLoRA's, for scales"),
              clEnumValN(::llmc::ClusterMethod::FP4, "fp4",
                         "E2M1, for scales"),
              clEnumValN(::llmc::ClusterMethod::FP8E4M3, "fp8-e4m3",
                         "E4M3 without infinities, for scales"),
              clEnumValN(::llmc::ClusterMethod::FP8E5M2, "fp8-e5m2",
                         "E5M2, for scales"),
              clEnumValN(::llmc::ClusterMethod::MXFP4, "mxfp4",
                         "E2M1 in MX blocks"),
              clEnumValN(::llmc::ClusterMethod::MXFP6E2M3, "mxfp6-e2m3",
                         "E2M3 in MX blocks"),
              clEnumValN(::llmc::ClusterMethod::MXFP6E3M2, "mxfp6-e3m2",
                         "E3M2 in MX blocks"),
              clEnumValN(::llmc::ClusterMethod::MXFP8E4M3, "mxfp8-e4m3",
                         "E4M3 in MX blocks"),
              clEnumValN(::llmc::ClusterMethod::MXFP8E5M2, "mxfp8-e5m2",
                         "E5M2 in MX blocks"))}]>,
    Option<"rows", "rows", "int64_t", /*default=*/"0",
           "Successive rows that share a codebook; 0 for all of a weight">,
    Option<"block", "block", "int64_t", /*default=*/"-1",
           "Weights of a row that share one scale; 0 for no scales, or one for "
           "each row with published values; -1 for 64 or what the method has">,
    Option<"dims", "dims", "int64_t", /*default=*/"1",
           "Successive weights of a row that one index stands for: 1, 2 or 4">,
    Option<"clip", "clip", "::llmc::ClipSearch",
           /*default=*/"::llmc::ClipSearch::MSE", "How scales are found",
           [{::llvm::cl::values(
              clEnumValN(::llmc::ClipSearch::None, "none",
                         "they are the largest magnitudes"),
              clEnumValN(::llmc::ClipSearch::MSE, "mse",
                         "the ones with the least squared error, of 26 near "
                         "those; not for vectors"))}]>,
    Option<"weighting", "weighting", "::llmc::ClipWeighting",
           /*default=*/"::llmc::ClipWeighting::Auto",
           "How much squares of errors count",
           [{::llvm::cl::values(
              clEnumValN(::llmc::ClipWeighting::Auto, "auto",
                         "activations with compensate, none without"),
              clEnumValN(::llmc::ClipWeighting::None, "none", "all the same"),
              clEnumValN(::llmc::ClipWeighting::Activations, "activations",
                         "as the mean square of the activation"))}]>,
    Option<"compensate", "compensate", "bool", /*default=*/"false",
           "Let columns make good for the errors of those before them">,
    Option<"damping", "damping", "double", /*default=*/"0.1",
           "With compensate: of the mean of G's diagonal, what is added to it">,
    Option<"actOrder", "act-order", "bool", /*default=*/"true",
           "With compensate: begin with the columns of the largest E[x^2]">,
    Option<"refit", "refit", "int64_t", /*default=*/"4",
           "With compensate: rounds of conjugate gradients in which values are "
           "fitted to outputs">,
    Option<"halfCodebook", "half-codebook", "bool", /*default=*/"true",
           "Store the values of weights of f32 as f16">,
    Option<"halfScales", "half-scales", "bool", /*default=*/"false",
           "Make scales numbers that f16 holds, where it can">,
    Option<"what", "what", "::llmc::WeightKinds",
           /*default=*/"::llmc::WeightKinds::Linear", "Which weights to cluster",
           [{::llvm::cl::values(
              clEnumValN(::llmc::WeightKinds::All, "all",
                         "those of linears and embeddings"),
              clEnumValN(::llmc::WeightKinds::Linear, "linear",
                         "those of linears"),
              clEnumValN(::llmc::WeightKinds::Embedding, "embedding",
                         "those of embeddings"))}]>,
    Option<"skip", "skip", "std::string", /*default=*/"\"\"",
           "Leave parameters alone in whose names this regular expression "
           "finds something">,
    Option<"strict", "strict", "bool", /*default=*/"false",
           "Fail where a weight cannot be clustered or must be padded">
  ];
  let statistics = [
    Statistic<"numWeights", "weights-clustered", "Parameters clustered">,
    Statistic<"numSkipped", "weights-skipped",
              "Parameters asked for that stay as they are">,
    Statistic<"bytesBefore", "bytes-before",
              "Bytes of the clustered parameters before">,
    Statistic<"bytesAfter", "bytes-after",
              "Bytes of the clustered parameters after">
  ];
}

#endif // LLMC_COMPRESS_SHARE
