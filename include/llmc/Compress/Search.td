//===- Search.td - passes that spend a budget -----------------------------===//

#ifndef LLMC_COMPRESS_SEARCH
#define LLMC_COMPRESS_SEARCH

include "mlir/Pass/PassBase.td"

def AllocateBits : Pass<"llmc-allocate-bits", "::mlir::ModuleOp"> {
  let summary = "Choose the bits of each weight under a budget or a latency";
  let description = [{
    Decides how many bits each weight of `llmc.linear` and `llmc.embedding` is
    to have, so that all parameters of the model take at most `budget` bytes,
    all its ops at most `latency` milliseconds, or both, and the model's error
    is the least. The weights stay floats: the choice is
    an attribute, `llmc.bits`, of the parameter, and `llmc-scale-awq`,
    `llmc-quantize-rtn`, `-hqq` and `-gptq` behind it take that instead of
    their option `bits`. `block`, `symmetric` and `what` are to be the same in
    all of them.

    ```mlir
    llmc.param @up = dense_resource<up> : tensor<1536x576xf32>
    llmc.param @down = dense_resource<down> : tensor<576x1536xf32>

    // llmc-allocate-bits{budget=800000 block=64 scales=float16} makes of it

    llmc.param @up = dense_resource<up> : tensor<1536x576xf32> {llmc.bits = 3 : i64}
    llmc.param @down = dense_resource<down> : tensor<576x1536xf32> {llmc.bits = 4 : i64}
    ```

    The error of a weight W that becomes W' is

        e = tr((W - W') G (W - W')^T)

    where G = E[x x^T] is the Gram matrix of what its linear reads
    (`llmc-calibrate`, `llmc-read-statistics`), and W' the weight that GPTQ
    makes with that many bits; 256 rows of the weight are tried. For an
    embedding it is the squared error of its rows. What that does to the model
    was measured if the calibration had a `probe`: with the divergence d of the
    model in which the weight alone had the error f, e costs d / f * e.

    Otherwise e counts relative to tr(W G W^T). A weight of a block that adds to
    a value counts as much as what blocks add, typically, to what they are
    given: 2 i for the median i of their influences (1 - E[cos(x, y)], arXiv
    2403.03853), which is the squared ratio of both, if that is small and at
    right angles. With `weighting=none` no data is needed: G is the identity.

    Bits are chosen by the multiple-choice knapsack problem over these errors
    and the bytes that the weight will take: on the lower convex hull of each
    weight's choices, the step is taken next that lowers the error the most for
    a byte (Sinha and Zoltners, 1979), until no step fits.

    What ops take for `rows` rows is what `getCost` of the backends that are
    loaded says, the first one that has a kernel: for linears and embeddings that
    read a weight, of the op over the expression that the weight will be
    (`block`, `symmetric`, `scales`, `codebooks`), rounded operands included with
    `operands=int8`; for all others as they are. With a weight that several ops
    read all of them count. Where a backend has no kernel for some numbers of
    bits, others are chosen. Linears, embeddings and attentions that it has none
    for at all have no known cost: a remark and, with `strict`, an error.

    With both bounds, steps are those for a weighted sum of the parts of them
    that a choice takes (surrogate relaxation); of 129 weights the best result is
    taken. What is chosen is within both.

    A budget that the fewest bits exceed, and a latency that the fastest choices
    do, is an error that says what they take. What cannot be quantized keeps its
    bytes and its time, which count.
  }];
  let options = [
    Option<"budget", "budget", "int64_t", /*default=*/"0",
           "Bytes that all parameters of the model may take; 0: any number">,
    Option<"latency", "latency", "double", /*default=*/"0",
           "Milliseconds that all ops may take by the backends' costs; 0: any "
           "number">,
    Option<"rows", "rows", "int64_t", /*default=*/"1",
           "Rows of activations that ops have in that time: 1 is a token">,
    Option<"operands", "operands", "::llmc::LinearOperands",
           /*default=*/"::llmc::LinearOperands::Float",
           "What linears with quantized weights will read, for the latency",
           [{::llvm::cl::values(
              clEnumValN(::llmc::LinearOperands::Float, "float",
                         "floats"),
              clEnumValN(::llmc::LinearOperands::Int8, "int8",
                         "integers of 8 bits (llmc-quantize-activations)"))}]>,
    Option<"codebooks", "codebooks", "bool", /*default=*/"false",
           "Weights will be indices into a codebook each (llmc-cluster)">,
    ListOption<"bits", "bits", "int64_t",
               "Numbers of bits to choose from, 2 to 8 (2,3,4,5,6,8)">,
    Option<"block", "block", "int64_t", /*default=*/"64",
           "Weights of a row that will share one scale; 0 for all of them">,
    Option<"symmetric", "symmetric", "bool", /*default=*/"false",
           "Grids will be centered on 0, without zero points">,
    Option<"floatZeros", "float-zeros", "bool", /*default=*/"false",
           "Zero points will be floats (llmc-quantize-hqq), of 16 bits unless "
           "scales are float32">,
    Option<"scales", "scales", "::llmc::ScaleStorage",
           /*default=*/"::llmc::ScaleStorage::F32",
           "What scales will be stored as",
           [{::llvm::cl::values(
              clEnumValN(::llmc::ScaleStorage::F32, "float32",
                         "numbers of 32 bits"),
              clEnumValN(::llmc::ScaleStorage::F16, "float16",
                         "numbers of 16 bits (llmc-quantize-scales)"),
              clEnumValN(::llmc::ScaleStorage::Int8, "int8",
                         "integers of 8 bits and a number for each row "
                         "(llmc-quantize-scales)"))}]>,
    Option<"weighting", "weighting", "::llmc::ClipWeighting",
           /*default=*/"::llmc::ClipWeighting::Activations",
           "What an error is",
           [{::llvm::cl::values(
              clEnumValN(::llmc::ClipWeighting::None, "none",
                         "that of the weight"),
              clEnumValN(::llmc::ClipWeighting::Activations, "activations",
                         "that of what its linear computes"))}]>,
    Option<"what", "what", "::llmc::WeightKinds",
           /*default=*/"::llmc::WeightKinds::All", "Which weights to choose for",
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
           "Fail where a weight cannot be quantized or must be padded">
  ];
  let statistics = [
    Statistic<"numWeights", "weights", "Parameters whose bits were chosen">,
    Statistic<"numSkipped", "weights-skipped",
              "Parameters asked for that stay as they are">,
    Statistic<"bytesAfter", "bytes-after",
              "Bytes that all parameters of the model will take">,
    Statistic<"nanosecondsAfter", "nanoseconds-after",
              "Nanoseconds that all ops will take by the backends' costs, if "
              "there is a latency">
  ];
}

def AllocateSparsity : Pass<"llmc-allocate-sparsity", "::mlir::ModuleOp"> {
  let summary = "Choose how much of each weight is pruned";
  let description = [{
    Decides which part of each weight of `llmc.linear` becomes 0, between
    `sparsity - spread` and `sparsity + spread` in steps of 0.05, so that of all
    of them together the part `sparsity` does and the model's error is the
    least. The weights stay as they are: the choice is an attribute,
    `llmc.sparsity`, of the parameter, and `llmc-prune-magnitude`, `-wanda`,
    `-sparsegpt` and `-alps` behind it take that instead of their option
    `sparsity`. With a pattern n:m, or `scope=global`, they do not, which is a
    remark and, with `strict`, an error.

    ```mlir
    // llmc-calibrate{inputs=FILE probe={llmc-prune-alps{scope=row rounds=6}}},
    // llmc-allocate-sparsity,
    // llmc-calibrate{inputs=FILE then={llmc-prune-alps{scope=row}}}
    ```

    What pruning a weight does to the model is measured by `llmc-calibrate` with
    a `probe` that prunes the part `probed`: with the divergence d that it found,
    a part s costs d e(s) / e(probed), where e(s) is the sum of the smallest
    w_ij^2 E[x_j^2] of each row, a part s of it, which is what outputs lose if
    nothing makes up for it. Parts are chosen as bits are by
    `llmc-allocate-bits`. A weight that was not probed is left to the option
    `sparsity` of the passes behind, with a remark and, with `strict`, an error.
  }];
  let options = [
    Option<"sparsity", "sparsity", "double", /*default=*/"0.5",
           "The part of all weights that becomes 0">,
    Option<"spread", "spread", "double", /*default=*/"0.1",
           "How far the part of one weight may be from that">,
    Option<"probed", "probed", "double", /*default=*/"0.5",
           "The part that the probe of llmc-calibrate pruned">,
    Option<"skip", "skip", "std::string", /*default=*/"\"\"",
           "Leave parameters alone in whose names this regular expression "
           "finds something">,
    Option<"strict", "strict", "bool", /*default=*/"false",
           "Fail where a weight was not probed">
  ];
  let statistics = [
    Statistic<"numWeights", "weights", "Parameters whose part was chosen">,
    Statistic<"numSkipped", "weights-skipped",
              "Parameters asked for that were not judged">
  ];
}

#endif // LLMC_COMPRESS_SEARCH
