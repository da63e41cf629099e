//===- Attention.td - passes that make attention cheaper -----------------===//

#ifndef LLMC_COMPRESS_ATTENTION
#define LLMC_COMPRESS_ATTENTION

include "mlir/Pass/PassBase.td"

def GroupHeads : Pass<"llmc-group-heads", "::mlir::ModuleOp"> {
  let summary = "Merge key-value heads, which several query heads then share";
  let description = [{
    Makes multi-head attention grouped-query attention, or groups larger
    (arXiv 2305.13245): each `m` key-value heads become one, in the weights of
    keys and values and in the KV cache, which is arguments and results of
    @main. Query heads stay as many as they are.

    With `method=mean` the head of a group has the mean of the weights and
    biases of its heads, which are neighbours.

    With `method=statistics`, let k_i = K_i x and v_i = V_i x be the heads, with
    biases as a column for x = 1, `G = E[x x^T]` as llmc-calibrate collected it,
    Q_h and O_h the weights of query head h and the columns of the output linear
    that read it. One head v' = V' x stands for v_i in the form R_i v', and O_h
    becomes O_h R_i. V' and all R_i are those with the least

        sum_i tr(M_i (V_i - R_i V') G (V_i - R_i V')^T),  M_i = sum_h O_h^T O_h

    with h the query heads of i: principal components of the heads, of the roots
    of M_i times them. Keys become K' and Q_h becomes S_i^T Q_h, with S_i in the
    place of R_i and `M_i = sum_h E[q_h q_h^T]`. Elements of a key that a rope
    rotates as a pair (a, b) are multiplied, as a + ib, by a complex number for
    each head and pair, which commutes with the rope; the others are mixed at
    will. Keys that are normalized behind their linear are the mean, S_i = I,
    since no norm commutes.

    The sum takes an average of x by attention to be distributed as x is, keys
    to be independent of queries: no probability is measured.

    Heads that are merged are those that lose little together: pairs of heads
    that are in different groups are exchanged while the sum of the relative
    errors of all pairs within groups falls. Heads and their queries are
    reordered for that, unless a mask differs between heads.

    ```mlir
    %k = llmc.concat %past, %new : ... -> tensor<?x4x?x64xf32>
    %a = llmc.attention %q, %k, %v : (tensor<?x8x?x64xf32>, ...

    // llmc-group-heads{heads=2} makes of it

    %k = llmc.concat %past, %new : ... -> tensor<?x2x?x64xf32>
    %a = llmc.attention %q, %k, %v : (tensor<?x8x?x64xf32>, ...
    ```

    The remark of an attention has, where there are statistics, the relative
    errors |e| / |h| in the norms above: `key_error`, `value_error`, and those of
    the mean of the same heads without R and S, `key_error_mean`,
    `value_error_mean`.

    An attention that cannot be grouped stays as it is, which is a remark that
    says why and, with `strict`, an error. What the output linear reads changes:
    its statistics are erased. Those of layers behind it stay as they were. Run
    the pass before `llmc-kv-cache-in-place` and `llmc-quantize-kv-cache`.
  }];
  let options = [
    Option<"heads", "heads", "int64_t", /*default=*/"0",
           "How many key-value heads an attention has afterwards; it divides "
           "their number. One of this and `ratio` is needed">,
    Option<"ratio", "ratio", "double", /*default=*/"0",
           "How many of them go at least, between 0 and 1">,
    Option<"method", "method", "::llmc::GroupMethod",
           /*default=*/"::llmc::GroupMethod::Statistics",
           "What stands for heads",
           [{::llvm::cl::values(
              clEnumValN(::llmc::GroupMethod::Mean, "mean",
                         "the mean of neighbours"),
              clEnumValN(::llmc::GroupMethod::Statistics, "statistics",
                         "the head that queries and outputs can be fitted to "
                         "best"))}]>,
    Option<"skip", "skip", "std::string", /*default=*/"\"\"",
           "Leave attentions as they are that have a parameter in whose name "
           "this regular expression finds something">,
    Option<"strict", "strict", "bool", /*default=*/"false",
           "Fail where heads cannot be grouped">
  ];
  let statistics = [
    Statistic<"numPlaces", "places", "Attentions whose heads were grouped">,
    Statistic<"numSkipped", "places-skipped", "Attentions that stay">,
    Statistic<"numRemoved", "removed", "Key-value heads removed">
  ];
}

def WindowAttention : Pass<"llmc-window-attention", "::mlir::ModuleOp"> {
  let summary = "Let attention read the last keys and the first ones";
  let description = [{
    A query of an attention that is causal, or reads a KV cache, at position p,
    counted in the cache too, reads the keys p - window + 1 to p and the keys before `sinks`, which many
    models give what probability is left over (attention sinks,
    arXiv 2309.17453). Positions stay what they were, and so does the cache: the
    pass saves the reading of keys, not their memory. A window that an attention
    has already still excludes what it did, first keys too.

    With `mass` each attention has a window of its own, the least multiple of
    `round` in which, with the sinks, is this part of the probability that
    llmc-calibrate measured: the mean over queries that have other keys, and
    over heads. One for which that is no less than a sample stays without a
    window, which is a remark.

    Without sinks that is the attribute `window` of llmc.attention. With them it
    is a mask of positions; attentions over equally many queries and keys share
    one. A mask that an attention has already excludes what it did.

    ```mlir
    %y = llmc.attention %q, %k, %v {causal, scale = 0.125 : f32} : ...

    // llmc-window-attention{window=256 sinks=0} makes of it

    %y = llmc.attention %q, %k, %v
       {causal, scale = 0.125 : f32, window = 256 : i64} : ...

    // and llmc-window-attention{window=256 sinks=4}

    %last = ... // position of each query, [S, 1]
    %keys = llmc.range ... // [T]
    %near = llmc.greater %keys, (llmc.sub %last, 256)
    %mask = llmc.or %near, (llmc.less %keys, 4) : ... -> tensor<?x?xi1>
    %y = llmc.attention %q, %k, %v, %mask {causal, scale = 0.125 : f32} : ...
    ```

    Another attention, or with `mass` one that llmc-calibrate knows nothing of,
    stays as it is, which is a remark and, with `strict`, an error. The report
    of an attention has `window`, `sinks` and, where the window was chosen,
    `mass`. Run the pass before `llmc-quantize-kv-cache` and
    `llmc-kv-cache-in-place`.
  }];
  let options = [
    Option<"window", "window", "int64_t", /*default=*/"0",
           "How many keys a query reads, its own position included; one of "
           "this and `mass` is needed">,
    Option<"mass", "mass", "double", /*default=*/"0",
           "In its place: the part of the probability that is in the window of "
           "each attention at least, above 0 and below 1">,
    Option<"round", "round", "int64_t", /*default=*/"32",
           "With mass: windows are multiples of this, which is one of 16">,
    Option<"eachHead", "each-head", "bool", /*default=*/"false",
           "With mass: each head has that much, not their mean">,
    Option<"sinks", "sinks", "int64_t", /*default=*/"4",
           "How many of the first keys it reads as well">,
    ListOption<"numbers", "layers", "int64_t",
               "Only attentions of these numbers, from 0 in the order of the "
               "model">,
    Option<"strict", "strict", "bool", /*default=*/"false",
           "Fail where an attention cannot have a window">
  ];
  let statistics = [
    Statistic<"numPlaces", "places", "Attentions that were given a window">,
    Statistic<"numSkipped", "places-skipped", "Attentions that stay">
  ];
}

def CastAttention : Pass<"llmc-cast-attention", "::mlir::ModuleOp"> {
  let summary = "Compute attention with factors of bf16";
  let description = [{
    Makes attention over f32 one over bf16: queries, keys, values and the result
    are cast. Kernels then multiply pairs of bf16 where the processor can, whose
    sums stay f32, as the softmax does; without such instructions they compute in
    f32. What the KV cache stores stays as it is, and keys and values are rounded
    as they are read.

    ```mlir
    %y = llmc.attention %q, %k, %v {causal, scale = 0.125 : f32}
       : (tensor<?x9x?x64xf32>, tensor<?x3x?x64xf32>, tensor<?x3x?x64xf32>)
       -> tensor<?x9x?x64xf32>

    // llmc-cast-attention makes of it

    %a = llmc.cast %q {to = bf16}
       : (tensor<?x9x?x64xf32>) -> tensor<?x9x?x64xbf16>
    %b = llmc.cast %k {to = bf16} : ...
    %c = llmc.cast %v {to = bf16} : ...
    %d = llmc.attention %a, %b, %c {causal, scale = 0.125 : f32}
       : (tensor<?x9x?x64xbf16>, tensor<?x3x?x64xbf16>, tensor<?x3x?x64xbf16>)
       -> tensor<?x9x?x64xbf16>
    %y = llmc.cast %d {to = f32}
       : (tensor<?x9x?x64xbf16>) -> tensor<?x9x?x64xf32>
    ```

    Attention of another float type stays as it is, which is a remark and, with
    `strict`, an error; one of bf16 needs nothing. Run the pass behind those that
    look for attention, such as `llmc-quantize-kv-cache` and
    `llmc-window-attention`. `llmc compile --attention bf16` runs it.
  }];
  let options = [
    Option<"strict", "strict", "bool", /*default=*/"false",
           "Fail where attention stays as it is">
  ];
  let statistics = [
    Statistic<"numPlaces", "places", "Attentions that were cast">,
    Statistic<"numSkipped", "places-skipped", "Attentions that stay">
  ];
}

#endif // LLMC_COMPRESS_ATTENTION
