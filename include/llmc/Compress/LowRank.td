//===- LowRank.td - passes that make and add products of small matrices ---===//

#ifndef LLMC_COMPRESS_LOWRANK
#define LLMC_COMPRESS_LOWRANK

include "mlir/Pass/PassBase.td"

// What `method` chooses: the S in which |E S|^2 is the loss of an error E.
class FactorMethodOption<string standard, string plain, string scaled,
                         string whitened>
    : Option<"method", "method", "::llmc::FactorMethod",
             "::llmc::FactorMethod::" # standard,
             "What errors of a weight cost",
             [{::llvm::cl::values(
                clEnumValN(::llmc::FactorMethod::Plain, "}] # plain # [{",
                           "their squares, without any data"),
                clEnumValN(::llmc::FactorMethod::Scaled, "}] # scaled # [{",
                           "their squares times E[|x|]^(2 alpha)"),
                clEnumValN(::llmc::FactorMethod::Whitened, "}] # whitened # [{",
                           "the squares of the errors of outputs"))}]>;

class AlphaOption<string standard>
    : Option<"alpha", "alpha", "double", standard,
             "How much E[|x|] counts where the method scales by it">;

class LowRankDampingOption
    : Option<"damping", "damping", "double", /*default=*/"0.01",
             "Of the mean of G's diagonal, what is added to it before it is "
             "factored">;

class LowRankWhatOption<string verb>
    : Option<"what", "what", "::llmc::WeightKinds",
             /*default=*/"::llmc::WeightKinds::Linear",
             "Which weights to " # verb,
             [{::llvm::cl::values(
                clEnumValN(::llmc::WeightKinds::All, "all",
                           "those of linears and embeddings"),
                clEnumValN(::llmc::WeightKinds::Linear, "linear",
                           "those of linears"),
                clEnumValN(::llmc::WeightKinds::Embedding, "embedding",
                           "those of embeddings"))}]>;

class SkipOption
    : Option<"skip", "skip", "std::string", /*default=*/"\"\"",
             "Leave parameters alone in whose names this regular expression "
             "finds something">;

def Factorize : Pass<"llmc-factorize", "::mlir::ModuleOp"> {
  let summary = "Make weights products of two small matrices";
  let description = [{
    Replaces a weight W, [out, in], by U V with U [out, r] and V [r, in], that
    of rank r with the least loss, and each linear by those of the factors:
    `x W^T` is `(x V^T) U^T`. An embedding looks up rows of U, which it
    multiplies by V. The factors are weights of linears as any other, which
    later passes quantize, cast or calibrate.

    With S as `method` has it, the singular value decomposition of W S is cut
    off behind r values: `W S = P diag(s) Q^T`, `U = P sqrt(diag(s))`,
    `V = sqrt(diag(s)) Q^T S^-1`. The loss is the sum of the squares of the
    values that are left out.

    | method | S |
    |---|---|
    | `svd` | I; no data is needed |
    | `asvd` | diag(E[abs(x_j)]^alpha) (ASVD, arXiv 2312.05821) |
    | `svd-llm` | the Cholesky factor of G = E[x x^T] (SVD-LLM, arXiv 2403.07378), to whose diagonal `damping` times its mean is added; the loss is that of the outputs, and no other factors of this rank have less |

    Computed in f64. The rank of a weight is what one of these says: `rank`
    itself; `ratio`, the part R of the weight's numbers that the factors may
    have, `R out in / (out + in)`; `energy`, the least rank at which the squares
    of the values that are kept sum to this part of all. With `scope=global` the
    ratio is that of all weights together: ranks are those with the least sum of
    losses, each relative to that of W = 0, which is the norm of its outputs. A
    weight for which the budget is best spent by leaving it whole stays whole.

    ```mlir
    llmc.param @fc1 = dense_resource<fc1> : tensor<1536x576xf32>
    ...
    %w = llmc.weight @fc1 : tensor<1536x576xf32>
    %y = llmc.linear %x, %w
       : (tensor<?x576xf32>, tensor<1536x576xf32>) -> tensor<?x1536xf32>

    // llmc-factorize{method=svd ratio=0.5} makes of it

    llmc.param @fc1.u = dense_resource<fc1.u> : tensor<1536x209xf32>
    llmc.param @fc1.v = dense_resource<fc1.v> : tensor<209x576xf32>
    ...
    %v = llmc.weight @fc1.v : tensor<209x576xf32>
    %u = llmc.weight @fc1.u : tensor<1536x209xf32>
    %0 = llmc.linear %x, %v
       : (tensor<?x576xf32>, tensor<209x576xf32>) -> tensor<?x209xf32>
    %y = llmc.linear %0, %u
       : (tensor<?x209xf32>, tensor<1536x209xf32>) -> tensor<?x1536xf32>
    ```

    Statistics go on to the factors: V reads what W read; of `V x` the Gram
    matrix is V G V^T, E[abs] that of a normal distribution, and max abs is a
    bound. Rows that an embedding looks up count as often as they were read.

    A weight that was asked for and cannot be factored stays as it is, which is
    a remark and, with `strict`, an error: one that another op reads too, that
    is tied to a use of a kind not in `what`, that the method has no statistics
    of, that holds values which are not finite, or whose factors would not be
    smaller than it.

    For each weight the pass emits an optimization remark of the category
    `llmc-compress`, with its rank, bytes and errors as arguments.
  }];
  let options = [
    FactorMethodOption<"Whitened", "svd", "asvd", "svd-llm">,
    Option<"rank", "rank", "int64_t", /*default=*/"0",
           "The rank of each weight">,
    Option<"ratio", "ratio", "double", /*default=*/"0",
           "The part of the numbers of a weight that its factors may have">,
    Option<"energy", "energy", "double", /*default=*/"0",
           "The part of the squared singular values that is kept at least">,
    Option<"scope", "scope", "::llmc::UnitScope",
           /*default=*/"::llmc::UnitScope::Layer", "What the ratio is of",
           [{::llvm::cl::values(
              clEnumValN(::llmc::UnitScope::Layer, "layer",
                         "each weight"),
              clEnumValN(::llmc::UnitScope::Global, "global",
                         "all weights together"))}]>,
    AlphaOption<"0.5">, LowRankDampingOption<>,
    LowRankWhatOption<"factor">, SkipOption<>,
    Option<"strict", "strict", "bool", /*default=*/"false",
           "Fail where a weight cannot be factored">
  ];
  let statistics = [
    Statistic<"numWeights", "weights-factored", "Parameters factored">,
    Statistic<"numSkipped", "weights-skipped",
              "Parameters asked for that stay as they are">,
    Statistic<"bytesBefore", "bytes-before",
              "Bytes of the factored parameters before">,
    Statistic<"bytesAfter", "bytes-after",
              "Bytes of the factored parameters after">
  ];
}

def CorrectError : Pass<"llmc-correct-error", "::mlir::ModuleOp"> {
  let summary = "Add to quantized weights a low-rank part of their errors";
  let description = [{
    Runs the passes of `quantize`, and adds to each weight Wq that they made of
    a W the product U V of rank `rank` that is nearest to the error E = W - Wq:
    a linear computes `x Wq^T + (x V^T) U^T`. U and V are those of
    `llmc-factorize`, of E in place of W.

    | method | S |
    |---|---|
    | `svd` | I; no data is needed |
    | `lqer` | diag(E[abs(x_j)]^alpha) (LQER, arXiv 2402.02446) |
    | `eora` | the Cholesky factor of G = E[x x^T], with `damping` (EoRA, arXiv 2410.21271): the least error of outputs |

    ```
    llmc-correct-error{quantize={llmc-quantize-gptq{bits=3}} rank=32},llmc-quantize-rtn{bits=8 block=32 what=linear}
    ```

    The second pass stores the factors, which are floats at first, in 8 bits.

    ```mlir
    %y = llmc.linear %x, %w : (tensor<?x576xf32>, tensor<1536x576xf32>)
       -> tensor<?x1536xf32>

    // becomes

    %0 = llmc.linear %x, %v
       : (tensor<?x576xf32>, tensor<32x576xf32>) -> tensor<?x32xf32>
    %1 = llmc.linear %0, %u
       : (tensor<?x32xf32>, tensor<1536x32xf32>) -> tensor<?x1536xf32>
    %2 = llmc.linear %x, %q
       : (tensor<?x576xf32>, tensor<1536x576xf32>) -> tensor<?x1536xf32>
    %y = llmc.add %1, %2
       : (tensor<?x1536xf32>, tensor<?x1536xf32>) -> tensor<?x1536xf32>
    ```

    The pass copies the weights, to know them when `quantize` has run. Passes
    there must not change what a linear computes otherwise: those that scale
    inputs or remove some of them go before this pass, which is an error else.

    A weight that cannot be corrected is a remark and, with `strict`, an error:
    one that `quantize` left as it is, that no linear reads any more, or that
    the method has no statistics of. For each that is, the pass emits an
    optimization remark of the category `llmc-compress`: `output_error` and
    `relative_error` are what is left of the error, `bytes_before` those of the
    quantized weight.
  }];
  let options = [
    Option<"quantize", "quantize", "std::string", /*default=*/"\"\"",
           "The passes that quantize">,
    FactorMethodOption<"Whitened", "svd", "lqer", "eora">,
    Option<"rank", "rank", "int64_t", /*default=*/"32",
           "The rank of what is added">,
    AlphaOption<"1">, LowRankDampingOption<>,
    LowRankWhatOption<"correct">, SkipOption<>,
    Option<"strict", "strict", "bool", /*default=*/"false",
           "Fail where a weight cannot be corrected">
  ];
  let statistics = [
    Statistic<"numWeights", "weights-corrected", "Weights corrected">,
    Statistic<"numSkipped", "weights-skipped",
              "Weights asked for that stay as they are">,
    Statistic<"bytesAdded", "bytes-added", "Bytes of the corrections">
  ];
}

def MergeLoRA : Pass<"llmc-merge-lora", "::mlir::ModuleOp"> {
  let summary = "Add a LoRA adapter to the weights that it was trained for";
  let description = [{
    Reads an adapter as PEFT stores it, `adapter_model.safetensors`: for each
    module `lora_A.weight`, A [r, in], and `lora_B.weight`, B [out, r]
    (`lora_embedding_A` and `_B` of embeddings), and adds `scale B A` to the
    module's weight, which must be of floats. The scale is `alpha / r`, or
    `alpha / sqrt(r)` where `adapter_config.json` beside the file has
    `use_rslora`; alpha is the option or what the config says.

    With `keep` weights stay as they are, quantized ones too, and linears
    compute `x W^T + (x A^T) (scale B)^T` as those of `llmc-correct-error`.

    The weight of a module is found by the names of parameters and of the ONNX
    nodes that read them, in which exporters keep the module's path, or a part
    of it: the one with the longest common end, which must reach up to the
    number of the layer. An adapter that has no weight, or more than one, is an
    error, and so is a file that holds something else, such as DoRA's
    magnitudes or whole modules.

    Run it before `llmc-calibrate`: statistics are those of a model without the
    adapter otherwise.
  }];
  let options = [
    Option<"file", "file", "std::string", /*default=*/"\"\"",
           "The adapter, a safetensors file">,
    Option<"alpha", "alpha", "double", /*default=*/"0",
           "lora_alpha, if it is not that of adapter_config.json">,
    Option<"keep", "keep", "bool", /*default=*/"false",
           "Leave the adapter a part of its own">
  ];
  let statistics = [
    Statistic<"numAdapters", "adapters", "Weights that an adapter changed">
  ];
}

#endif // LLMC_COMPRESS_LOWRANK
