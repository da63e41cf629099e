//===- Passes.td - passes that compress models ----------------------------===//

#ifndef LLMC_COMPRESS_PASSES
#define LLMC_COMPRESS_PASSES

include "llmc/Compress/Attention.td"
include "llmc/Compress/LowRank.td"
include "llmc/Compress/Outliers.td"
include "llmc/Compress/PruneUnits.td"
include "llmc/Compress/PruneWeights.td"
include "llmc/Compress/Rotate.td"
include "llmc/Compress/Search.td"
include "llmc/Compress/Share.td"
include "mlir/Pass/PassBase.td"

// What passes that quantize weights have in common.
defvar blockOptions = [
    Option<"bits", "bits", "int64_t", /*default=*/"4",
           "Bits of each integer, 2 to 8">,
    Option<"block", "block", "int64_t", /*default=*/"64",
           "Weights of a row that share one scale; 0 for all of them">
];
defvar gridOptions = blockOptions # [
    Option<"symmetric", "symmetric", "bool", /*default=*/"false",
           "Center each grid on 0 and store no zero points">,
    Option<"halfScales", "half-scales", "bool", /*default=*/"false",
           "Make scales numbers that f16 holds, where it can, so that kernels "
           "store them so without a loss">,
    Option<"progressive", "progressive", "bool", /*default=*/"false",
           "Make scales integers times a number of their row, so that an "
           "integer of the row has 8 bits">
];
class ClipOption<string standard>
    : Option<"clip", "clip", "::llmc::ClipSearch",
             "::llmc::ClipSearch::" # standard,
             "How the range of a block's grid is found",
             [{::llvm::cl::values(
                clEnumValN(::llmc::ClipSearch::None, "none",
                           "it spans all weights of the block"),
                clEnumValN(::llmc::ClipSearch::MSE, "mse",
                           "the one with the least squared error, of 80 "
                           "parts of that"))}]>;
class WhatOption<string standard>
    : Option<"what", "what", "::llmc::WeightKinds",
             "::llmc::WeightKinds::" # standard,
             "Which weights to quantize",
             [{::llvm::cl::values(
                clEnumValN(::llmc::WeightKinds::All, "all",
                           "those of linears and embeddings"),
                clEnumValN(::llmc::WeightKinds::Linear, "linear",
                           "those of linears"),
                clEnumValN(::llmc::WeightKinds::Embedding, "embedding",
                           "those of embeddings"))}]>;
defvar skipOptions = [
    Option<"skip", "skip", "std::string", /*default=*/"\"\"",
           "Leave parameters alone in whose names this regular expression "
           "finds something">,
    Option<"strict", "strict", "bool", /*default=*/"false",
           "Fail where a weight cannot be quantized or must be padded">
];
defvar quantizerStatistics = [
    Statistic<"numWeights", "weights-quantized", "Parameters quantized">,
    Statistic<"numSkipped", "weights-skipped",
              "Parameters asked for that stay as they are">,
    Statistic<"bytesBefore", "bytes-before",
              "Bytes of the quantized parameters before">,
    Statistic<"bytesAfter", "bytes-after",
              "Bytes of the quantized parameters after">
];

def QuantizeRTN : Pass<"llmc-quantize-rtn", "::mlir::ModuleOp"> {
  let summary = "Quantize weights to the nearest integers, in blocks";
  let description = [{
    Rewrites each parameter that is the weight of `llmc.linear` or
    `llmc.embedding` into `llmc.dequantize` over new parameters: packed
    integers, one scale for each `block` weights of a row and, unless
    `symmetric`, one zero point. Each weight becomes the nearest of the `2^bits`
    values of its block's grid (round to nearest, RTN). No data is needed,
    unless errors are weighted with it.

    The grid of a block spans from its smallest to its largest weight, 0
    included, which is always on the grid; a symmetric one spans as far to
    both sides as the largest magnitude asks for. Scales have the element type
    of the weight.

    With `progressive` (QServe, Lin et al., arXiv 2405.04532) a weight is
    `q * m * r`: `q` an integer of `bits` bits around 0, `m` one of its block
    from 1 to `2^(8 - bits)`, and `r` a number of its row, so that `q * m` has 8
    bits. `r` is the largest scale of the row over `2^(8 - bits)`, rounded up to
    so few bits that the element type of the weight and f16 hold `m * r`:
    `bits + 3`, or `bits` where that type is bf16. `m * r` is the multiple
    nearest to the scale that the block would have, or the next one where that
    cuts off more than a step at each end of the range, and each `q` is chosen
    for it. A weight with one block in each row, or which asks for 8 bits, has
    scales as usual; one that is stored as a bitmap stays as it is.

    ```mlir
    // llmc-quantize-rtn{bits=4 block=64 symmetric progressive}: scales of @fc1

    %m = llmc.weight @fc1.scales.q : tensor<1536x9xui8>
    %c = llmc.cast %m {to = f32} : (tensor<1536x9xui8>) -> tensor<1536x9xf32>
    %r = llmc.weight @fc1.scales.rows : tensor<1536x1xf32>
    %s = llmc.mul %c, %r
       : (tensor<1536x9xf32>, tensor<1536x1xf32>) -> tensor<1536x9xf32>
    ```

    With `clip=mse` the grid spans `p` times that range instead, for the `p` of
    1, 0.99, ... 0.21 with the least squared error of the block: weights outside
    are clipped, all others are rounded in smaller steps. The candidates are
    those of GPTQ's reference implementation. With `weighting=activations` the
    square of each error counts times the mean square of the activation that
    the weight is multiplied with (what llama.cpp calls an importance matrix),
    which statistics have of the weights of linears (`llmc-calibrate`,
    `llmc-read-statistics`).

    A weight that is stored as `[in, out]` and transposed is quantized along
    `in` and stored as `[out, in]`, so that the transpose goes away. Several
    uses of one parameter keep sharing one. The bytes of the old parameter are
    freed.

    ```mlir
    llmc.param @fc1 = dense_resource<fc1> : tensor<576x1536xf32>
    ...
    %w = llmc.weight @fc1 : tensor<576x1536xf32>
    %t = llmc.transpose %w {perm = array<i64: 1, 0>}
       : (tensor<576x1536xf32>) -> tensor<1536x576xf32>
    %y = llmc.linear %x, %t
       : (tensor<?x?x576xf32>, tensor<1536x576xf32>) -> tensor<?x?x1536xf32>

    // llmc-quantize-rtn{bits=4 block=64} makes of it

    llmc.param @fc1.q = dense_resource<fc1.q> : tensor<1536x9x32xui8>
    llmc.param @fc1.scales = dense_resource<fc1.scales> : tensor<1536x9xf32>
    llmc.param @fc1.zeros = dense_resource<fc1.zeros> : tensor<1536x5xui8>
    ...
    %q = llmc.weight @fc1.q : tensor<1536x9x32xui8>
    %s = llmc.weight @fc1.scales : tensor<1536x9xf32>
    %z = llmc.weight @fc1.zeros : tensor<1536x5xui8>
    %w = llmc.dequantize %q, %s, %z {bits = 4, block = 64, columns = 576}
       : (tensor<1536x9x32xui8>, tensor<1536x9xf32>, tensor<1536x5xui8>)
       -> tensor<1536x576xf32>
    %y = llmc.linear %x, %w
       : (tensor<?x?x576xf32>, tensor<1536x576xf32>) -> tensor<?x?x1536xf32>
    ```

    A weight that was asked for and cannot be quantized stays as it is, which
    is a remark and, with `strict`, an error: one that another op reads too,
    that is tied to a use of a kind not in `what`, that would not get smaller,
    or that holds values which are not finite. Rows that `block` does not
    divide are padded, which is a remark and an error in the same way.

    For each quantized weight the pass emits an optimization remark of the
    category `llmc-compress`, with bytes and errors as arguments.
  }];
  let options = gridOptions # [
    ClipOption<"None">,
    Option<"weighting", "weighting", "::llmc::ClipWeighting",
           /*default=*/"::llmc::ClipWeighting::None",
           "What counts in the search for a range",
           [{::llvm::cl::values(
              clEnumValN(::llmc::ClipWeighting::None, "none",
                         "all weights of the block alike"),
              clEnumValN(::llmc::ClipWeighting::Activations, "activations",
                         "each by the mean square of what it is multiplied "
                         "with"))}]>,
    WhatOption<"All">
  ] # skipOptions;
  let statistics = quantizerStatistics;
}

def QuantizeHQQ : Pass<"llmc-quantize-hqq", "::mlir::ModuleOp"> {
  let summary = "Quantize weights with zero points that fit them best (HQQ)";
  let description = [{
    Rewrites weights into `llmc.dequantize` as `llmc-quantize-rtn` does, with
    the same scales, but with zero points that are floats, so that grids move by
    parts of a step. No data is needed.

    It is half-quadratic quantization (HQQ, Badri and Shaji 2023,
    https://mobiusml.github.io/hqq_blog/), which looks for the zero point `z` of
    a block with the least sum of `|w - (q - z) s|^p`, p < 1, for which few
    large errors count little. Split into halves that have solutions, that is,
    in turns:

        q = clamp(round(w / s + z), 0, 2^bits - 1)
        e = shrink(w - (q - z) s)
        z = mean(q - (w - e) / s)
        shrink(x) = sign(x) max(|x| - |x|^(p - 1) / beta, 0)

    The scale `s` is that of the range of the block, 0 included, and stays; `z`
    begins as that of the range. `beta` grows by the factor `kappa` in each
    round. A block is done after `rounds`, or when the sum of
    `|w - (q - z) s|` does not fall, and has the `z` with the least. Defaults are
    those of the authors' implementation. An error below `beta^(-1 / (2 - p))`,
    0.17 with these, shrinks to nothing: where all are smaller, the zero point
    is the one for which errors are 0 on average.

    Zero points have the element type of the weight, as scales do, and take as
    many bytes; with `half-scales` f16 holds both, and kernels and
    `llmc-quantize-scales` store them so. What was exactly 0 need not be on the
    grid. Backends and ONNX Runtime take such weights, the latter with a slow
    kernel (`MatMulNBits` unpacks the weight each time).

    ```mlir
    // llmc-quantize-hqq{bits=4 block=64} makes of a weight @fc1 [1536, 576]

    %q = llmc.weight @fc1.q : tensor<1536x9x32xui8>
    %s = llmc.weight @fc1.scales : tensor<1536x9xf32>
    %z = llmc.weight @fc1.zeros : tensor<1536x9xf32>
    %w = llmc.dequantize %q, %s, %z {bits = 4, block = 64, columns = 576}
       : (tensor<1536x9x32xui8>, tensor<1536x9xf32>, tensor<1536x9xf32>)
       -> tensor<1536x576xf32>
    ```

    What stays as it is, is a remark and with `strict` an error, as in
    `llmc-quantize-rtn`; so is a weight that is pruned to n:m and stored so,
    whose integers have no zero points. Optimization remarks are the same.
  }];
  let options = blockOptions # [
    Option<"halfScales", "half-scales", "bool", /*default=*/"false",
           "Make scales and zero points numbers that f16 holds, where it can, "
           "so that kernels store them so without a loss">,
    Option<"p", "p", "double", /*default=*/"0.7",
           "The power of errors whose sum is lowered">,
    Option<"beta", "beta", "double", /*default=*/"10.0",
           "How near the shrunk errors are to the errors in the first round">,
    Option<"kappa", "kappa", "double", /*default=*/"1.01",
           "By which factor that grows with each round">,
    Option<"rounds", "rounds", "int64_t", /*default=*/"20",
           "Rounds for a block at most; 0 leaves the zero point of the range">,
    WhatOption<"All">
  ] # skipOptions;
  let statistics = quantizerStatistics;
}

def QuantizeGPTQ : Pass<"llmc-quantize-gptq", "::mlir::ModuleOp"> {
  let summary = "Quantize weights for what their linears read (GPTQ)";
  let description = [{
    Rewrites weights of `llmc.linear` into `llmc.dequantize` as
    `llmc-quantize-rtn` does, with the same grids, but chooses the integers so
    that what the linears compute changes least on the text of a calibration,
    whose statistics it needs (`llmc-calibrate`, `llmc-read-statistics`).

    It is GPTQ (Frantar et al., arXiv 2210.17323) on `H = G + damping *
    mean(diag G) I`, `G = E[x x^T]` of the linear's input (columns that were
    always 0 are not in the mean): the columns of a
    weight are rounded one after the other, and what rounding one does to the
    output is made good in the columns behind it,
    `w[k] -= (w[j] - q[j]) / U[j, j] * U[j, k]` with the upper Cholesky factor
    `U` of the inverse of H. With `act-order` the columns of the largest
    `E[x^2]` come first. Grids are found before that, from the block of a row as
    it was, so that blocks are those of any other `llmc.dequantize`; with
    `clip=mse` the square of each error counts times `E[x^2]`.

    GPTQ never returns to a column. `sweeps` go on from its integers: each one
    solves for the scale and the zero point of each block with the least error
    `(w - w')^T H (w - w')` of the row, and then moves each integer to where
    that is least, the others being as they are.

    Of a pruned weight (`llmc.densify`, `llmc.densify_bitmap` of floats) the
    values that are stored become integers, in the blocks and forms of
    `llmc-quantize-rtn`. The loop goes over all columns: those that are not
    stored stay 0, and columns behind them make good what error feedback added
    to them, too: the loop of SparseGPT's joint pruning and quantization (arXiv
    2301.00774, section 3.5) for what another pass chose to prune. Blocks of a
    bitmap have values of several rows, for which `sweeps` cannot solve: with
    them it stays as it is.

    Linears that share an input share the factorization. A column whose
    activations were all 0 has weights 0. A weight that is an embedding too is
    quantized for its linear, one that is only an embedding (`what` is `all` or
    `embedding`) to nearest. What stays as it is, is a remark and with `strict`
    an error, as in `llmc-quantize-rtn`; so is a linear's weight without
    statistics. Optimization remarks have `output_error` too, the error of what
    the linear computes relative to that:
    `sqrt(tr((W - W') G (W - W')^T) / tr(W G W^T))`.
  }];
  let options = gridOptions # [
    ClipOption<"MSE">,
    Option<"actOrder", "act-order", "bool", /*default=*/"true",
           "Round the columns of the largest activations first">,
    Option<"damping", "damping", "double", /*default=*/"0.1",
           "What is added to the diagonal of the Gram matrix, in parts of its "
           "mean; 0.01 in the paper">,
    Option<"sweeps", "sweeps", "int64_t", /*default=*/"0",
           "Sweeps over scales, zero points and integers behind GPTQ">,
    WhatOption<"Linear">
  ] # skipOptions;
  let statistics = quantizerStatistics;
}

def QuantizeScales : Pass<"llmc-quantize-scales", "::mlir::ModuleOp"> {
  let summary = "Store the scales of quantized weights in fewer bits";
  let description = [{
    The scales of `llmc.dequantize` and `llmc.lookup` are f32, half a bit for
    each weight in blocks of 64. With `type=f16` they become f16, a quarter of a
    bit. With `type=int8` each is one of 256 multiples of a number of its row,
    as in the super-blocks of llama.cpp's k-quants: an eighth of a bit, and 16
    bits for each row. Where some scales are negative, as `llmc-cluster` makes
    them, they are -127 to 127 times that number (`i8`, others are `ui8`). It
    has 3 significant bits, so that f16 holds all its multiples: kernels store
    those without a loss. Zero points that are floats (`llmc-quantize-hqq`)
    become f16 with either type.

    ```mlir
    %s = llmc.weight @fc1.scales : tensor<1536x9xf32>
    %w = llmc.dequantize %q, %s {bits = 4, block = 64, columns = 576} : ...

    // llmc-quantize-scales{type=int8} makes of it

    %i = llmc.weight @fc1.scales.q : tensor<1536x9xui8>
    %c = llmc.cast %i {to = f32} : (tensor<1536x9xui8>) -> tensor<1536x9xf32>
    %h = llmc.weight @fc1.scales.rows : tensor<1536x1xf16>
    %r = llmc.cast %h {to = f32} : (tensor<1536x1xf16>) -> tensor<1536x1xf32>
    %s = llmc.mul %c, %r
       : (tensor<1536x9xf32>, tensor<1536x1xf32>) -> tensor<1536x9xf32>
    ```

    A scale changes by 1/200 of the largest one of its row at most, by 1/100
    where some are negative, and none becomes 0. Where f16 holds none of the
    numbers, one is not finite, or nothing would get smaller, they stay, which is
    a remark and, with `strict`, an error. Run it behind the passes that quantize.
  }];
  let options = [
    Option<"type", "type", "::llmc::ScaleType",
           /*default=*/"::llmc::ScaleType::Int8", "What scales are stored as",
           [{::llvm::cl::values(
              clEnumValN(::llmc::ScaleType::F16, "f16", "numbers of 16 bits"),
              clEnumValN(::llmc::ScaleType::Int8, "int8",
                         "integers of 8 bits and a number for each row"))}]>,
    Option<"skip", "skip", "std::string", /*default=*/"\"\"",
           "Leave parameters alone in whose names this regular expression "
           "finds something">,
    Option<"strict", "strict", "bool", /*default=*/"false",
           "Fail where scales stay as they are">
  ];
  let statistics = [
    Statistic<"numScales", "scales", "Parameters of scales stored in fewer bits">,
    Statistic<"numSkipped", "scales-skipped", "Those that stay as they are">,
    Statistic<"bytesBefore", "bytes-before", "Bytes of the scales before">,
    Statistic<"bytesAfter", "bytes-after", "Bytes of the scales after">
  ];
}

// What passes that scale weights have in common.
defvar scaleOptions = [
    Option<"skip", "skip", "std::string", /*default=*/"\"\"",
           "Leave linears alone that share their input with a parameter in "
           "whose name this regular expression finds something">,
    Option<"strict", "strict", "bool", /*default=*/"false",
           "Fail where the weights of a linear cannot be scaled">
];
defvar scaleStatistics = [
    Statistic<"numScaled", "inputs-scaled",
              "Inputs of linears whose columns were scaled">,
    Statistic<"numSkipped", "weights-skipped",
              "Parameters that cannot be scaled">
];

def MatchOutputs : Pass<"llmc-match-outputs", "::mlir::ModuleOp"> {
  let summary = "Let weights make up for errors of those before them";
  let description = [{
    What a linear with the weight `w` reads, x, and what its result is added to,
    r, differ from x' and r' in the model as it was once something before it was
    compressed. The weight becomes the one that is nearest, in the sense of least
    squares, to computing

        w x + input * w (x' - x) + residual * (r' - r)

    which is `w + (input * w E[(x' - x) x^T] + residual * E[(r' - r) x^T]) H^-1`
    with `H = G + damping * mean(diag G) * I` and `G = E[x x^T]`. With `input`
    alone it is QEP (arXiv 2504.09629); r is the residual stream behind an
    attention or MLP, whose error this layer then corrects. Half of what is
    missing is the default: all of it fits what calibration saw better, and
    other text less.

    The weights are floats afterwards as they were before: passes behind this
    one compress them. It belongs into `then` of `llmc-calibrate{reference=true}`,
    which is what knows x' and r', and before passes that change what linears
    read, such as `llmc-scale-awq`. A weight of which nothing is known stays as
    it is, with a remark and under `strict` an error. The optimization remark of
    a weight has `relative_change`, |w - w'| / |w|.

    ```mlir
    // llmc-calibrate{inputs=samples.safetensors reference=true
    //   then={llmc-match-outputs,llmc-prune-alps{pattern=2:4}}}
    ```
  }];
  let options = [
    Option<"input", "input", "double", /*default=*/"0.5",
           "The part of the error of its input that a weight makes up for, from "
           "0 to 1">,
    Option<"residual", "residual", "double", /*default=*/"0.5",
           "The same of the error of what its result is added to">,
    Option<"damping", "damping", "double", /*default=*/"0.1",
           "Of the mean of G's diagonal, what is added to it">,
    SkipOption<>,
    Option<"strict", "strict", "bool", /*default=*/"false",
           "Fail where a weight stays as it is">
  ];
  let statistics = [
    Statistic<"numWeights", "weights-matched", "Parameters changed">,
    Statistic<"numSkipped", "weights-skipped",
              "Parameters asked for that stay as they are">
  ];
}

def ScaleAWQ : Pass<"llmc-scale-awq", "::mlir::ModuleOp"> {
  let summary = "Scale weights up where activations are large (AWQ)";
  let description = [{
    Multiplies the columns of the weights of linears that share an input with
    `s`, and divides what computes the input by `s`, so that the model computes
    what it did. Quantized next, with `bits` and `block`, columns that meet
    large activations are rounded in smaller steps. Run it before
    `llmc-quantize-rtn` or `llmc-quantize-gptq`. It needs statistics
    (`llmc-calibrate`, `llmc-read-statistics`) and updates them.

    It is AWQ (Lin et al., arXiv 2306.00978): `s = max(E[|x|]^r, 1e-4)`, over
    `sqrt(max s * min s)`, for the `r` of 0, 1/20, ... 19/20 with the least
    error `sum tr(E G E^T)` over the linears, where `G = E[x x^T]` and
    `E = Q(W s) / s - W` with the weights `Q(W s)` that llmc-quantize-rtn makes.
    The model is not run for that; at most 512 rows of the weights are
    compared.

    The division goes into

    * the scale, and bias, of the `llmc.rms_norm` or `llmc.layer_norm` that is
      the input, if nothing else reads it;
    * the rows of the linear that is a factor of the input, such as the up
      projection behind `mul(act(gate), up)`, or that is it, or `relu` of it;
    * the rows of the linear that makes the values of an `llmc.attention` whose
      result is the input. Query heads that read one head of values share its
      scales. What a KV cache of the model holds is scaled, too.

    Linears whose input comes from elsewhere, or whose weight is something else
    too, stay as they are, which is a remark and with `strict` an error. For
    each weight the pass emits an optimization remark of the category
    `llmc-compress` with `ratio`, the r, and `output_error_left`, the part that
    remains of the output's error.

    ```mlir
    llmc.param @norm = dense<[1.0, 1.0]> : tensor<2xf32>
    llmc.param @fc = dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>

    // With s = [4, 0.25] llmc-scale-awq makes of them

    llmc.param @norm = dense<[0.25, 4.0]> : tensor<2xf32>
    llmc.param @fc = dense<[[4.0, 0.5], [12.0, 1.0]]> : tensor<2x2xf32>
    ```
  }];
  let options = [
    Option<"bits", "bits", "int64_t", /*default=*/"4",
           "Bits of each integer to come, 2 to 8">,
    Option<"block", "block", "int64_t", /*default=*/"64",
           "Weights of a row that will share one scale; 0 for all of them">,
    Option<"symmetric", "symmetric", "bool", /*default=*/"false",
           "Grids will be centered on 0">
  ] # scaleOptions;
  let statistics = scaleStatistics;
}

def Smooth : Pass<"llmc-smooth", "::mlir::ModuleOp"> {
  let summary = "Move outliers of activations into weights (SmoothQuant)";
  let description = [{
    Multiplies the columns of the weights of linears that share an input with
    `s[j] = max|x[j]|^alpha / max|w[j]|^(1 - alpha)`, 1e-5 or more, and divides
    what computes the input by that, as `llmc-scale-awq` does: the model
    computes what it did, but its activations are easier to round
    (SmoothQuant, Xiao et al., arXiv 2211.10438). Run it before
    `llmc-quantize-rtn{bits=8}` and `llmc-quantize-activations`. The largest
    magnitudes of the input are those of statistics (`llmc-calibrate`,
    `llmc-read-statistics`), which the pass updates; a column that was always 0
    keeps its scale.
  }];
  let options = [
    Option<"alpha", "alpha", "double", /*default=*/"0.5",
           "How much of the outliers goes into the weights, 0 to 1">
  ] # scaleOptions;
  let statistics = scaleStatistics;
}

def QuantizeActivations
    : Pass<"llmc-quantize-activations", "::mlir::ModuleOp"> {
  let summary = "Round what quantized linears read to 8-bit integers";
  let description = [{
    Puts `llmc.quantize_dynamic` before each `llmc.linear` whose weight is
    `llmc.dequantize`, with the block of the weight: then both sides of its
    products are integers within a block, and a kernel can multiply those.
    Linears with one operand share the rounded one. Scales are found at run
    time, for each row of activations; no data is needed. Where the block of a
    weight is its whole row, so is that of the activations: one scale for a
    token.

    With `block` more columns share a scale where those of the weight are
    integers times a number of their row (`progressive` of llmc-quantize-rtn):
    there the products of the weight's integers and those are 8-bit integers of
    the row, which a kernel sums over several of the weight's blocks. It is the
    largest multiple of the weight's block that is not above `block`, all
    columns if there are no more. For other weights, and those pruned to n:m and
    stored so, it is the weight's, which is a remark where that is smaller than
    `block`, and with `strict` an error.

    ```mlir
    %y = llmc.linear %x, %w
       : (tensor<?x576xf32>, tensor<1536x576xf32>) -> tensor<?x1536xf32>

    // llmc-quantize-activations makes of it, where %w has blocks of 64,

    %a = llmc.quantize_dynamic %x {block = 64 : i64}
       : (tensor<?x576xf32>) -> tensor<?x576xf32>
    %y = llmc.linear %a, %w
       : (tensor<?x576xf32>, tensor<1536x576xf32>) -> tensor<?x1536xf32>
    ```

    With `mode=static` the scale is one constant for all of the operand,
    `clip * max |x| / 127`, of what `llmc-calibrate` saw: W8A8 with static
    scales of SmoothQuant (Xiao et al., arXiv 2211.10438), which has
    `llmc-smooth` before it and weights of `llmc-quantize-rtn{bits=8 block=0
    symmetric}`. Magnitudes beyond `clip * max |x|` become the ends of the range.
    It is ONNX's form of quantized activations: with weights of 8 bits and one
    scale for a row, runtimes multiply integers.

    ```mlir
    %s = llmc.constant dense<0.05> : tensor<f32>
    %z = llmc.constant dense<128> : tensor<ui8>
    %q = llmc.quantize_linear %x, %s, %z {to = ui8, precision = f32}
       : (tensor<?x576xf32>, tensor<f32>, tensor<ui8>) -> tensor<?x576xui8>
    %a = llmc.dequantize_linear %q, %s, %z {to = f32}
       : (tensor<?x576xui8>, tensor<f32>, tensor<ui8>) -> tensor<?x576xf32>
    ```

    Statistics have magnitudes without signs, so that the range is as wide to
    both sides. A linear without statistics, whose operand is not f32, or was
    always 0, reads it as it is, which is a remark and with `strict` an error.
    An optimization remark of the category `llmc-compress` has the scale of each
    weight's input.
  }];
  let options = [
    Option<"mode", "mode", "::llmc::ActivationScales",
           /*default=*/"::llmc::ActivationScales::Dynamic",
           "When scales are found",
           [{::llvm::cl::values(
              clEnumValN(::llmc::ActivationScales::Dynamic, "dynamic",
                         "at run time, for each block of each row"),
              clEnumValN(::llmc::ActivationScales::Static, "static",
                         "now, one for all that a linear reads"))}]>,
    Option<"block", "block", "int64_t", /*default=*/"0",
           "With mode=dynamic, columns that share a scale where those of the "
           "weight are integers times a number of their row; 0 for as many as "
           "in the weight">,
    Option<"clip", "clip", "double", /*default=*/"1.0",
           "With mode=static, the part of the largest magnitude that was seen "
           "up to which integers reach">,
    Option<"skip", "skip", "std::string", /*default=*/"\"\"",
           "Leave linears alone in whose parameters' names this regular "
           "expression finds something">,
    Option<"strict", "strict", "bool", /*default=*/"false",
           "Fail where what a linear reads cannot be rounded">
  ];
  let statistics = [
    Statistic<"numLinears", "linears", "Linears with rounded operands">,
    Statistic<"numSkipped", "linears-skipped",
              "Linears of quantized weights that read floats">
  ];
}

def QuantizeKVCache : Pass<"llmc-quantize-kv-cache", "::mlir::ModuleOp"> {
  let summary = "Store keys and values of the past in fewer bits";
  let description = [{
    Changes what the caches of a decoder hold: arguments of @main that are
    concatenated with new rows and returned. With `format=f16` their numbers
    are f16. With `format=int8` they are integers, each row of each head a
    multiple of a scale of its own, which another argument and result hold:
    with the largest magnitude m of a row `scale = m / 127`, and its integers
    are `round(x * (127 / m))`, ties to even, from -127 to 127. Scales are f32.

    With `format=int4` each `group` of successive numbers of a row has 16 values
    from its least number to its largest one, as KIVI rounds values
    (arXiv 2402.02750). With the least number l and the largest one h

        low = f16(l), step = f16(max(h - low, 0) / 15)
        code = min(max(round((x - low) * (1 / max(step, 2^-24))), 0), 15)

    and the cache stands for `code * step + low`. Codes are two in a byte of
    ui8: number i of D in the low half of byte i, number i + D/2 in the high
    one. Steps are called like the cache with `.scale` behind it, lows with
    `.min`. D is even and a multiple of `group`.

    Keys of attentions are rotated first, and queries with them, behind their
    rope: by a Hadamard matrix of the largest power of 2 that divides D, in
    blocks, which spreads a large element over many (QuaRot, arXiv 2404.00456,
    does so for its cache). Scores are what they were. `rotate=false` leaves
    that out, as does a cache of keys that anything but attentions reads.
    KIVI's own form of keys has groups of tokens, of one element each, and keeps
    the last tokens as floats; docs/compress.md says why this has not.

    New rows are rounded before they are appended, and what reads the cache
    reads the numbers that it stands for. All of it are ops that ONNX has, so
    the model can be exported; a backend sees from them what its kernels may
    read. Run it before `llmc-kv-cache-in-place`, which makes states of the
    integers and of the scales alike.

    ```mlir
    func.func @main(%past: tensor<?x3x?x64xf32> {llmc.name = "past.0"}, ...)
        -> (..., tensor<?x3x?x64xf32> {llmc.name = "present.0"}) {
      %k = llmc.concat %past, %new {axis = 2 : i64} : ...
      ... attention over %k
      return ..., %k

    // llmc-quantize-kv-cache{format=int8} makes of it

    func.func @main(%past: tensor<?x3x?x64xi8> {llmc.name = "past.0"}, ...,
                    %scales: tensor<?x3x?x1xf32> {llmc.name = "past.0.scale"})
        -> (..., tensor<?x3x?x64xi8> {llmc.name = "present.0"}, ...,
            tensor<?x3x?x1xf32> {llmc.name = "present.0.scale"}) {
      %m = llmc.reduce max of llmc.abs %new {axes = array<i64: 3>} : ...
      %s = llmc.div %m, %c127 : ...
      %i = llmc.div %c127, (llmc.max %m, %tiny) : ...
      %q = llmc.cast (llmc.round (llmc.mul %new, %i)) {to = i8} : ...
      %qs = llmc.concat %past, %q {axis = 2 : i64} : ...
      %ss = llmc.concat %scales, %s {axis = 2 : i64} : ...
      %k = llmc.mul (llmc.cast %qs {to = f32}), %ss : ...
      ... attention over %k
      return ..., %qs, ..., %ss
    ```

    Caches are f32, f16 or bf16; one that is stored in `format` or in fewer
    bits already stays. A model without any cache is an error.
  }];
  let options = [
    Option<"format", "format", "::llmc::KVCacheFormat",
           /*default=*/"::llmc::KVCacheFormat::Int8", "What to store",
           [{::llvm::cl::values(
              clEnumValN(::llmc::KVCacheFormat::F16, "f16",
                         "numbers of 16 bits"),
              clEnumValN(::llmc::KVCacheFormat::Int8, "int8",
                         "integers of 8 bits and a scale for each row of a "
                         "head"),
              clEnumValN(::llmc::KVCacheFormat::Int4, "int4",
                         "integers of 4 bits, and a step and a least number "
                         "for each group of a row"))}]>,
    Option<"group", "group", "int64_t", /*default=*/"32",
           "Numbers of a row that share a step, with `format=int4`">,
    Option<"rotate", "rotate", "bool", /*default=*/"true",
           "Rotate keys and queries, with `format=int4`">
  ];
  let statistics = [
    Statistic<"numCaches", "caches", "Caches that are stored in fewer bits">
  ];
}

def CastWeights : Pass<"llmc-cast-weights", "::mlir::ModuleOp"> {
  let summary = "Store weights as floats of 16 bits";
  let description = [{
    Rounds each parameter of f32 that is the weight of `llmc.linear` or
    `llmc.embedding` to bf16 or f16, to the nearest, ties to even; what reads it
    reads `llmc.cast` of it. The sums stay f32.

    With `activations=bf16`, what linears with weights of bf16 read is rounded
    to bf16 as well, by two casts, so that a kernel can multiply pairs of bf16.
    Linears with one operand share the rounded one.

    ```mlir
    llmc.param @fc1 = dense_resource<fc1> : tensor<1536x576xf32>
    ...
    %w = llmc.weight @fc1 : tensor<1536x576xf32>
    %y = llmc.linear %x, %w
       : (tensor<?x576xf32>, tensor<1536x576xf32>) -> tensor<?x1536xf32>

    // llmc-cast-weights{type=bf16 activations=bf16} makes of it

    llmc.param @fc1 = dense_resource<fc1> : tensor<1536x576xbf16>
    ...
    %b = llmc.weight @fc1 : tensor<1536x576xbf16>
    %w = llmc.cast %b {to = f32}
       : (tensor<1536x576xbf16>) -> tensor<1536x576xf32>
    %r = llmc.cast %x {to = bf16} : (tensor<?x576xf32>) -> tensor<?x576xbf16>
    %a = llmc.cast %r {to = f32} : (tensor<?x576xbf16>) -> tensor<?x576xf32>
    %y = llmc.linear %a, %w
       : (tensor<?x576xf32>, tensor<1536x576xf32>) -> tensor<?x1536xf32>
    ```

    A weight that was asked for and cannot be cast stays as it is, which is a
    remark and, with `strict`, an error: one that another op reads too, that is
    tied to a use of a kind not in `what`, whose type is not f32, or that holds
    a number which would become infinite, as those above 65504 do in f16.

    For each weight the pass emits an optimization remark of the category
    `llmc-compress`, with bytes and errors as arguments.
  }];
  let options = [
    Option<"type", "type", "::llmc::FloatFormat",
           /*default=*/"::llmc::FloatFormat::BF16",
           "What weights are stored as",
           [{::llvm::cl::values(
              clEnumValN(::llmc::FloatFormat::BF16, "bf16", "8 bits of them "
                         "the exponent, as in f32"),
              clEnumValN(::llmc::FloatFormat::F16, "f16", "5 bits of them the "
                         "exponent"))}]>,
    Option<"activations", "activations", "::llmc::CastActivations",
           /*default=*/"::llmc::CastActivations::Float",
           "What linears with weights of bf16 read",
           [{::llvm::cl::values(
              clEnumValN(::llmc::CastActivations::Float, "float",
                         "their operand as it is"),
              clEnumValN(::llmc::CastActivations::BF16, "bf16",
                         "their operand rounded to bf16"))}]>,
    Option<"what", "what", "::llmc::WeightKinds",
           /*default=*/"::llmc::WeightKinds::All",
           "Which weights to cast",
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
           "Fail where a weight cannot be cast">
  ];
  let statistics = [
    Statistic<"numWeights", "weights-cast", "Parameters cast">,
    Statistic<"numSkipped", "weights-skipped",
              "Parameters asked for that stay as they are">,
    Statistic<"bytesBefore", "bytes-before",
              "Bytes of the cast parameters before">,
    Statistic<"bytesAfter", "bytes-after",
              "Bytes of the cast parameters after">,
    Statistic<"numLinears", "linears", "Linears with rounded operands">
  ];
}

#endif // LLMC_COMPRESS_PASSES
