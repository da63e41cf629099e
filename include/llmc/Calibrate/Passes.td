//===- Passes.td - collecting statistics of a model -----------------------===//

#ifndef LLMC_CALIBRATE_PASSES
#define LLMC_CALIBRATE_PASSES

include "mlir/Pass/PassBase.td"

def Calibrate : Pass<"llmc-calibrate", "::mlir::ModuleOp"> {
  let summary = "Run the model on data and collect statistics of its linears";
  let description = [{
    Runs the lifted model on samples and keeps, for the rows x that each
    `llmc.linear` reads, their number, E[x], max |x|, E[|x|] and the Gram matrix
    E[x x^T], by the name of the linear's weight; how often each row of an
    embedding is read; and how much each block of the model changes what it is
    given. Of each `llmc.attention` over one text it keeps, on the first
    `attention-samples` samples, the mean probability by the distance of keys
    from a query, for each head and apart for each of the first 16 keys; it
    takes the queries and keys that the model computes, and no more memory than
    these. Its name is that of the weight that makes the queries. Passes behind
    this one use them.

    The model runs block by block: a block ends where one value is all that is
    handed on. All samples pass through one before the next is compiled, so
    memory holds the statistics, one activation of each sample and one block.

    With `then`, a pass pipeline, each block is compressed by it as soon as its
    statistics are known, and what the next block is given comes from the
    compressed one: the errors of earlier layers are seen by those behind them,
    as in GPTQ and SparseGPT. Each block is a module of its own for these
    passes. Weights that several blocks read, such as an embedding that is also
    the output layer, are left for passes behind this one, which is a remark.
    Statistics of parameters that `then` replaced are dropped.

    ```mlir
    // llmc-calibrate{inputs=samples.safetensors},llmc-quantize-gptq{bits=4}
    // llmc-calibrate{inputs=samples.safetensors then={llmc-quantize-gptq{bits=4}}}
    ```

    With `reference`, the model as it was runs beside the compressed one, and
    blocks are compressed in stages: queries, keys and values first, then the
    output of an attention, whose statistics are those behind the compressed
    values. Each stage is a module of its own. For each linear it is known how
    what it reads, and what its result is added to, differ from what they were;
    `llmc-match-outputs` in `then` lets weights make up for that. Blocks run as
    they were too, once for each stage; memory holds two more activations of
    each sample and a copy of the block.

    ```mlir
    // llmc-calibrate{inputs=samples.safetensors reference=true
    //   then={llmc-match-outputs,llmc-quantize-gptq{bits=4}}}
    ```

    Blocks whose parameters are marked with `llmc.removed`, by
    `llmc-prune-layers{step=mark}`, are passed over: what is behind them is given
    what they were given. The model as it was has them.

    With `probe`, a pass pipeline, what errors of each weight cost is measured,
    which `llmc-allocate-bits` wants to know: the pipeline compresses a copy of
    each block, and for each weight that it changed the model with that one
    weight runs on the first `probe-samples` samples. The mean over tokens of
    the Kullback-Leibler divergence of its probabilities, the softmax of the
    result `logits`, from those of the model is kept with the error of the
    weight. All these states pass through the blocks with the samples, so each
    block runs as often as there are weights before it.

    ```mlir
    // llmc-calibrate{inputs=samples.safetensors probe={llmc-quantize-gptq{bits=3}}}
    ```

    `inputs` is a safetensors file with a tensor for each input of @main, by its
    name. The first dimension of each counts the samples; the model sees one
    sample at a time as a batch of one. A KV cache is given empty: its dimension
    of past positions is 0.
  }];
  let options = [
    Option<"inputs", "inputs", "std::string", /*default=*/"\"\"",
           "The safetensors file of samples">,
    Option<"output", "output", "std::string", /*default=*/"\"\"",
           "Write the statistics to this safetensors file">,
    Option<"then", "then", "std::string", /*default=*/"\"\"",
           "Passes that compress each block when its statistics are known">,
    Option<"reference", "reference", "bool", /*default=*/"false",
           "Run the model as it was beside the one that `then` compresses, for "
           "llmc-match-outputs">,
    Option<"probe", "probe", "std::string", /*default=*/"\"\"",
           "Passes whose error of each weight alone is measured">,
    Option<"probeSamples", "probe-samples", "int64_t", /*default=*/"2",
           "On how many samples to measure that">,
    Option<"attentionSamples", "attention-samples", "int64_t",
           /*default=*/"4",
           "On how many samples to measure attentions, at most; 0 for none">,
    Option<"progress", "progress", "bool", /*default=*/"false",
           "Show on the standard error how far it is">
  ];
  let statistics = [
    Statistic<"numBlocks", "blocks", "Blocks of the model">,
    Statistic<"numSamples", "samples", "Samples it ran on">,
    Statistic<"numInputs", "inputs", "Different inputs of linears">
  ];
}

def ReadStatistics : Pass<"llmc-read-statistics", "::mlir::ModuleOp"> {
  let summary = "Take the statistics of an earlier calibration from a file";
  let description = [{
    Reads a file that `llmc-calibrate{output=FILE}` wrote, so that passes behind
    this one have the statistics of the model's parameters. Those that were
    there before are dropped. Statistics of a parameter that the module does not
    have, or whose sizes do not fit it, are an error: the file is of another
    model.
  }];
  let options = [
    Option<"file", "file", "std::string", /*default=*/"\"\"",
           "The safetensors file">
  ];
}

#endif // LLMC_CALIBRATE_PASSES
