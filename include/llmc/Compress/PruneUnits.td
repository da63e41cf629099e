//===- PruneUnits.td - passes that remove parts of models ----------------===//

#ifndef LLMC_COMPRESS_PRUNEUNITS
#define LLMC_COMPRESS_PRUNEUNITS

include "mlir/Pass/PassBase.td"

// What removes neurons and removes heads alike.
defvar unitPruneOptions = [
  Option<"ratio", "ratio", "double", /*default=*/"0.2",
         "How many of them to remove, between 0 and 1">,
  Option<"method", "method", "::llmc::PruneMethod",
         /*default=*/"::llmc::PruneMethod::Flap", "What their scores are",
         [{::llvm::cl::values(
            clEnumValN(::llmc::PruneMethod::Magnitude, "magnitude",
                       "the norms of the columns"),
            clEnumValN(::llmc::PruneMethod::Activation, "activation",
                       "the norms of the columns times those of what they "
                       "read"),
            clEnumValN(::llmc::PruneMethod::Flap, "flap",
                       "the variances of what the columns read times their "
                       "squared norms"),
            clEnumValN(::llmc::PruneMethod::OBS, "obs",
                       "what remains of their output when the others make up "
                       "for them"))}]>,
  Option<"scope", "scope", "::llmc::UnitScope",
         /*default=*/"::llmc::UnitScope::Layer", "What the ratio is of",
         [{::llvm::cl::values(
            clEnumValN(::llmc::UnitScope::Layer, "layer", "each layer"),
            clEnumValN(::llmc::UnitScope::Global, "global",
                       "all layers together, by scores that are standardised "
                       "in each"))}]>,
  Option<"compensate", "compensate", "::llmc::Compensation",
         /*default=*/"::llmc::Compensation::RefitBias",
         "What makes up for them",
         [{::llvm::cl::values(
            clEnumValN(::llmc::Compensation::None, "none", "nothing"),
            clEnumValN(::llmc::Compensation::Bias, "bias",
                       "their mean as a bias"),
            clEnumValN(::llmc::Compensation::Refit, "refit",
                       "the columns that stay, by least squares"),
            clEnumValN(::llmc::Compensation::RefitBias, "refit-bias",
                       "both"))}]>,
  Option<"damping", "damping", "double", /*default=*/"0.01",
         "How firmly columns stay what they are in a refit, in parts of the "
         "mean of the diagonal of E[x x^T]">
];
defvar skipAndStrict = [
  Option<"skip", "skip", "std::string", /*default=*/"\"\"",
         "Leave places whole that have a parameter in whose name this regular "
         "expression finds something">,
  Option<"strict", "strict", "bool", /*default=*/"false",
         "Fail where nothing can be removed">
];
defvar unitPruneStatistics = [
  Statistic<"numPlaces", "places", "Places that were made smaller">,
  Statistic<"numSkipped", "places-skipped", "Places that stay whole">,
  Statistic<"numRemoved", "removed", "Neurons or heads removed">,
  Statistic<"bytesBefore", "bytes-before",
            "Bytes of the parameters of those places before">,
  Statistic<"bytesAfter", "bytes-after",
            "Bytes of the parameters of those places after">
];

def PruneNeurons : Pass<"llmc-prune-neurons", "::mlir::ModuleOp"> {
  let summary = "Remove hidden neurons of MLPs";
  let description = [{
    A hidden neuron is a column j of the weight W of a linear, `down`, and the
    rows that compute what the column reads: one of each linear in front of the
    activation, with its bias. Both are removed, so that the model is the one
    whose column is 0, in smaller matrices. Weights may be shared between
    layers, and several linears may be packed into one.

    The neurons with the lowest scores go. With x the input of `down`, and
    `G = E[x x^T]`, which llmc-calibrate collects, the score of j is

    * `magnitude`: `|W_j|`;
    * `activation`: `|W_j| sqrt(G_jj)`;
    * `flap`: `Var[x_j] |W_j|^2`, the fluctuation that a bias cannot make up for
      (FLAP, arXiv 2312.11983);
    * `obs`: `|W_j|^2 / (G^-1)_jj`, the error of the output when all other
      columns make up for j. They are chosen one after the other, each when the
      others have made up for those before (OBS; SlimGPT, arXiv 2412.18110).

    `ratio` of them go from each layer. With `scope=global` they go from all
    layers together, by scores of which the mean of the layer is subtracted and
    that are divided by its standard deviation, as in FLAP. The number that stays
    in a layer is rounded to a multiple of `multiple`.

    With R the columns that go and S those that stay, `compensate` is

    * `bias`: `b + W_R E[x_R]` (FLAP);
    * `refit`: `W_S + W_R G_RS (G_SS + d I)^-1`, the columns that keep the
      output of `down` as near as they can in the mean square (SlimGPT), with d
      of `damping` times the mean of the diagonal of `G_SS`;
    * `refit-bias`: the same with covariances in the place of G, and the bias
      `b + W E[x] - W'_S E[x_S]`.

    ```mlir
    %g = llmc.linear %x, %gate : ... -> tensor<?x1536xf32>
    %u = llmc.linear %x, %up : ... -> tensor<?x1536xf32>
    %h = llmc.mul (llmc.silu %g), %u : ...
    %y = llmc.linear %h, %down
       : (tensor<?x1536xf32>, tensor<576x1536xf32>) -> tensor<?x576xf32>

    // llmc-prune-neurons{ratio=0.2 compensate=bias} makes of it

    %g = llmc.linear %x, %gate : ... -> tensor<?x1232xf32>
    %u = llmc.linear %x, %up : ... -> tensor<?x1232xf32>
    %h = llmc.mul (llmc.silu %g), %u : ...
    %b = llmc.weight @down.bias : tensor<576xf32>
    %y = llmc.linear %h, %down, %b
       : (tensor<?x1232xf32>, tensor<576x1232xf32>, tensor<576xf32>)
       -> tensor<?x576xf32>
    ```

    An MLP that cannot be made smaller stays whole, which is a remark that says
    why and, with `strict`, an error: its neurons are read by something that
    needs all of them, its weights are quantized, there are no statistics.
    Statistics of what `down` reads are narrowed with it; those of layers
    behind it stay as they were.
  }];
  let options = !listconcat(unitPruneOptions, [
    Option<"multiple", "multiple", "int64_t", /*default=*/"16",
           "What the number of neurons that stay is a multiple of">
  ], skipAndStrict);
  let statistics = unitPruneStatistics;
}

def PruneHeads : Pass<"llmc-prune-heads", "::mlir::ModuleOp"> {
  let summary = "Remove heads of attentions";
  let description = [{
    A head is some columns of the linear behind an attention, `o`, and the rows
    of those before it that compute what these columns read. Both are removed,
    and everything between them is made narrower: shapes of reshapes, masks and
    biases that differ between heads, the KV cache, which is arguments and
    results of @main. Names of arguments and results stay.

    Where several query heads read one key-value head, `unit` says which go
    together:

    * `group`: a key-value head and all its query heads. The KV cache gets
      smaller.
    * `query`: one query head of each key-value head, so that all of them keep
      as many. Keys, values and the cache stay as they are.

    Scores are those of llmc-prune-neurons, summed over the columns of the
    heads; `ratio`, `method`, `scope`, `compensate` and `damping` mean the same.
    Of an attention with 3 key-value heads a `ratio` of 0.2 is nearest to 1; one
    of 0.1 is nearest to none, which is a remark.

    ```mlir
    %q = llmc.reshape (llmc.linear %x, %wq) ... -> tensor<?x?x9x64xf32>
    ...
    %k = llmc.concat %past, %new : ... -> tensor<?x3x?x64xf32>
    %a = llmc.attention %qt, %k, %v : ... -> tensor<?x9x?x64xf32>
    ... llmc.linear %rows, %wo : (tensor<?x?x576xf32>, tensor<576x576xf32>) ...

    // llmc-prune-heads{ratio=0.33} makes of it

    %q = llmc.reshape (llmc.linear %x, %wq) ... -> tensor<?x?x6x64xf32>
    ...
    %k = llmc.concat %past, %new : ... -> tensor<?x2x?x64xf32>
    %a = llmc.attention %qt, %k, %v : ... -> tensor<?x6x?x64xf32>
    ... llmc.linear %rows, %wo : (tensor<?x?x384xf32>, tensor<576x384xf32>) ...
    ```

    An attention that cannot lose heads stays whole, which is a remark that says
    why and, with `strict`, an error: something else reads its heads, the model
    returns them, its weights are quantized, there are no statistics. Run the
    pass before `llmc-kv-cache-in-place`.
  }];
  let options = !listconcat(unitPruneOptions, [
    Option<"unit", "unit", "::llmc::HeadUnit",
           /*default=*/"::llmc::HeadUnit::Group", "Which heads go together",
           [{::llvm::cl::values(
              clEnumValN(::llmc::HeadUnit::Group, "group",
                         "a key-value head and its query heads"),
              clEnumValN(::llmc::HeadUnit::Query, "query",
                         "a query head of each key-value head"))}]>
  ], skipAndStrict);
  let statistics = unitPruneStatistics;
}

def PruneLayers : Pass<"llmc-prune-layers", "::mlir::ModuleOp"> {
  let summary = "Remove whole layers";
  let description = [{
    A block is what llmc-calibrate takes for one: the ops behind which a single
    value is handed on, such as an attention with its norm and the addition to
    the residual, or an MLP with its own. A layer is a block with an attention
    and the blocks behind it without one. A layer whose result has the type of
    its operand can be removed: what read the result reads the operand. Its
    parameters go, and so do its KV caches, arguments and results of @main; the
    others keep their names unless `renumber` counts them anew.

    The layers that change what they are given the least go, those with the
    lowest `1 - E[cos(x, y)]` over the rows x before and y behind them (block
    influence, ShortGPT, arXiv 2403.03853), which llmc-calibrate collects. The
    first and the last layers, `keep-first` and `keep-last` of them, stay. With
    `layers` those of these numbers go, from 0, and no statistics are needed.

    ```mlir
    %1 = llmc.add %0, %attention0 : ...
    %2 = llmc.add %1, %mlp0 : ...
    %3 = llmc.add %2, %attention1 : ...
    %4 = llmc.add %3, %mlp1 : ...
    %5 = llmc.rms_norm %4, %scale : ...

    // llmc-prune-layers{layers=1} makes of it

    %1 = llmc.add %0, %attention0 : ...
    %2 = llmc.add %1, %mlp0 : ...
    %5 = llmc.rms_norm %2, %scale : ...
    ```

    What is behind a removed layer can make up for it. `step=mark` chooses layers
    and marks their parameters with `llmc.removed`; llmc-calibrate passes over
    them, but with `reference` runs them in the model as it was, so that
    `llmc-match-outputs` in `then` finds what is missing; `step=remove` removes
    what was marked.

    A layer that was to go and has to stay, because @main returns more of it
    than a cache or because its size changes, is a remark and, with `strict`, an
    error. So is a model without layers. Run the pass before
    `llmc-kv-cache-in-place`.
  }];
  let options = [
    Option<"count", "count", "int64_t", /*default=*/"0",
           "How many to remove; 0: by the ratio">,
    Option<"ratio", "ratio", "double", /*default=*/"0.2",
           "How many of all to remove, between 0 and 1">,
    ListOption<"numbers", "layers", "int64_t", "Remove those of these numbers">,
    Option<"unit", "unit", "::llmc::LayerUnit",
           /*default=*/"::llmc::LayerUnit::Layer", "What to remove",
           [{::llvm::cl::values(
              clEnumValN(::llmc::LayerUnit::Layer, "layer", "whole layers"),
              clEnumValN(::llmc::LayerUnit::Block, "block",
                         "attentions and MLPs, each by itself"))}]>,
    Option<"step", "step", "::llmc::LayerStep",
           /*default=*/"::llmc::LayerStep::All", "What to do",
           [{::llvm::cl::values(
              clEnumValN(::llmc::LayerStep::All, "all",
                         "choose layers and remove them"),
              clEnumValN(::llmc::LayerStep::Mark, "mark",
                         "choose layers and mark their parameters"),
              clEnumValN(::llmc::LayerStep::Remove, "remove",
                         "remove layers whose parameters are marked"))}]>,
    Option<"keepFirst", "keep-first", "int64_t", /*default=*/"1",
           "How many stay at the beginning">,
    Option<"keepLast", "keep-last", "int64_t", /*default=*/"1",
           "How many stay at the end">,
    Option<"renumber", "renumber", "bool", /*default=*/"false",
           "Count the layers in the names of the caches that stay anew">,
    Option<"strict", "strict", "bool", /*default=*/"false",
           "Fail where a layer cannot be removed">
  ];
  let statistics = [
    Statistic<"numMarked", "marked", "Layers or blocks marked">,
    Statistic<"numRemoved", "removed", "Layers or blocks removed">,
    Statistic<"numSkipped", "skipped", "Layers or blocks that had to stay">
  ];
}

def PruneVocabulary : Pass<"llmc-prune-vocabulary", "::mlir::ModuleOp"> {
  let summary = "Keep only the tokens that a task needs";
  let description = [{
    Removes rows of the embedding that reads the input `input`, and of the
    linear that makes logits, whether the two share one parameter or not. Which
    rows stay is said by a file of ids, `tokens`, or by how often llmc-calibrate
    saw them. Ids stay what they are, and so does the tokenizer: a table in a
    parameter maps them to rows, and logits are spread over the whole vocabulary
    again, -inf where a token was removed, so that it is never chosen.

    A removed token in the input is an error at run time, or has the row of the
    token `unknown`.

    ```mlir
    llmc.param @embed = dense_resource<embed> : tensor<30522x384xf32>
    %w = llmc.weight @embed : tensor<30522x384xf32>
    %x = llmc.embedding %ids, %w : ...

    // llmc-prune-vocabulary{tokens=FILE} makes of it

    llmc.param @embed = dense_resource<embed> : tensor<8192x384xf32>
    llmc.param @embed.rows = dense_resource<embed.rows> : tensor<30522xi64>
    %w = llmc.weight @embed : tensor<8192x384xf32>
    %r = llmc.weight @embed.rows : tensor<30522xi64>
    %rows = llmc.gather %r, %ids {axis = 0 : i64} : ...
    %x = llmc.embedding %rows, %w : ...
    ```

    A model whose vocabulary cannot be made smaller stays whole, which is a
    remark and, with `strict`, an error: no embedding reads the input, something
    else reads its weight, the weight is quantized, logits are computed from by
    more than elementwise ops before they are returned.
  }];
  let options = [
    Option<"tokens", "tokens", "std::string", /*default=*/"\"\"",
           "A file with the ids that stay, separated by blanks or lines">,
    Option<"keep", "keep", "int64_t", /*default=*/"0",
           "Without `tokens`, how many stay, the most frequent; 0: all that were "
           "seen">,
    ListOption<"also", "also", "int64_t",
               "Ids that stay too, such as those of special tokens">,
    Option<"unknown", "unknown", "int64_t", /*default=*/"-1",
           "The id of the token whose row a removed token has; -1: none">,
    Option<"multiple", "multiple", "int64_t", /*default=*/"16",
           "What the number of rows is a multiple of; more tokens stay, the most "
           "frequent or the lowest">,
    Option<"input", "input", "std::string", /*default=*/"\"input_ids\"",
           "The name of the input that has the ids">,
    Option<"map", "map", "std::string", /*default=*/"\"\"",
           "Write the ids that stayed to this file, a line for each row">,
    Option<"strict", "strict", "bool", /*default=*/"false",
           "Fail where the vocabulary cannot be made smaller">
  ];
  let statistics = [
    Statistic<"numTokens", "tokens-removed", "Tokens removed">,
    Statistic<"bytesBefore", "bytes-before",
              "Bytes of the parameters of the vocabulary before">,
    Statistic<"bytesAfter", "bytes-after",
              "Bytes of the parameters of the vocabulary after">
  ];
}

#endif // LLMC_COMPRESS_PRUNEUNITS
