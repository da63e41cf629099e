//===- PruneWeights.td - passes that make weights zero -------------------===//

#ifndef LLMC_COMPRESS_PRUNEWEIGHTS
#define LLMC_COMPRESS_PRUNEWEIGHTS

include "mlir/Pass/PassBase.td"

defvar pruneOptions = [
  Option<"sparsity", "sparsity", "double", /*default=*/"0.5",
         "The part of the weights that becomes 0; n:m has its own">,
  Option<"pattern", "pattern", "std::string", /*default=*/"\"\"",
         "Which weights: empty for any, n:m for n that stay of each m "
         "successive inputs, block:RxC for tiles of R outputs and C inputs">,
  Option<"store", "store", "::llmc::PruneStore",
         /*default=*/"::llmc::PruneStore::Sparse", "How to store the weights",
         [{::llvm::cl::values(
            clEnumValN(::llmc::PruneStore::Sparse, "sparse",
                       "those that are kept, and which they are"),
            clEnumValN(::llmc::PruneStore::Dense, "dense",
                       "all, most of them zeros"))}]>,
  Option<"what", "what", "::llmc::WeightKinds",
         /*default=*/"::llmc::WeightKinds::Linear", "Which weights to prune",
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
         "Fail where a weight cannot be pruned">
];

class ScopeOption<string scope>
    : Option<"scope", "scope", "::llmc::PruneScope",
             "::llmc::PruneScope::" # scope,
             "Which weights are compared with each other",
             [{::llvm::cl::values(
                clEnumValN(::llmc::PruneScope::Row, "row",
                           "those of one output"),
                clEnumValN(::llmc::PruneScope::Layer, "layer",
                           "those of one parameter"),
                clEnumValN(::llmc::PruneScope::Global, "global",
                           "those of all parameters"))}]>;

class DampingOption
    : Option<"damping", "damping", "double", /*default=*/"0.01",
             "Of the mean of G's diagonal, what is added to it">;

class RefitOption<string rounds>
    : Option<"refit", "refit", "int64_t", rounds,
             "Rounds of conjugate gradients in which weights that stay are "
             "fitted to the outputs of the original">;

defvar pruneStatistics = [
  Statistic<"numWeights", "weights-pruned", "Parameters pruned">,
  Statistic<"numSkipped", "weights-skipped",
            "Parameters asked for that stay as they are">,
  Statistic<"bytesBefore", "bytes-before",
            "Bytes of the pruned parameters before">,
  Statistic<"bytesAfter", "bytes-after",
            "Bytes of the pruned parameters after">
];

def PruneMagnitude : Pass<"llmc-prune-magnitude", "::mlir::ModuleOp"> {
  let summary = "Prune the weights of the smallest magnitudes";
  let description = [{
    Makes the weights of the smallest |w| zero: a part `sparsity` of each row
    (an output), of each parameter, or of all parameters together. No data is
    needed. With `pattern=n:m` n weights stay of each m successive ones of a
    row; with `pattern=block:RxC` tiles stay or go as a whole, by the sum of
    their squares.

    With `store=sparse` the zeros are not stored: n:m becomes `llmc.densify`,
    anything else `llmc.densify_bitmap`.

    ```mlir
    llmc.param @fc1 = dense_resource<fc1> : tensor<1536x576xf32>
    ...
    %w = llmc.weight @fc1 : tensor<1536x576xf32>
    %y = llmc.linear %x, %w
       : (tensor<?x576xf32>, tensor<1536x576xf32>) -> tensor<?x1536xf32>

    // llmc-prune-magnitude{pattern=2:4} makes of it

    llmc.param @fc1.values = dense_resource<fc1.values> : tensor<1536x288xf32>
    llmc.param @fc1.meta = dense_resource<fc1.meta> : tensor<1536x72xui8>
    ...
    %v = llmc.weight @fc1.values : tensor<1536x288xf32>
    %m = llmc.weight @fc1.meta : tensor<1536x72xui8>
    %w = llmc.densify %v, %m {pattern = "2:4"}
       : (tensor<1536x288xf32>, tensor<1536x72xui8>) -> tensor<1536x576xf32>
    %y = llmc.linear %x, %w
       : (tensor<?x576xf32>, tensor<1536x576xf32>) -> tensor<?x1536xf32>
    ```

    A weight that was asked for and cannot be pruned stays as it is, which is a
    remark and, with `strict`, an error: one that another op reads too, that is
    tied to a use of a kind not in `what`, that groups or tiles do not divide,
    that would not get smaller, or that holds values which are not finite.

    For each weight the pass emits an optimization remark of the category
    `llmc-compress`, with bytes and errors as arguments; `output_error`, where
    statistics of the input are known, is that of what the linear computes.
  }];
  let options = !listconcat([ScopeOption<"Layer">], pruneOptions);
  let statistics = pruneStatistics;
}

def PruneWanda : Pass<"llmc-prune-wanda", "::mlir::ModuleOp"> {
  let summary = "Prune the weights that move outputs least, one by one";
  let description = [{
    Wanda (arXiv 2306.11695): makes the weights of the smallest
    `|w_ij| * ||x_j||` zero, where ||x_j|| is the norm of the input j over what
    calibration saw, sqrt(E[x_j^2]). Weights that stay are not changed. They are
    compared within a row, an output, unless `scope` says otherwise. Patterns,
    storage and what stays as it is are those of `llmc-prune-magnitude`.

    Needs statistics of the inputs: `llmc-calibrate` or `llmc-read-statistics`.
    A weight of whose input nothing is known stays as it is.
  }];
  let options = !listconcat([ScopeOption<"Row">], pruneOptions);
  let statistics = pruneStatistics;
}

def PruneSparseGPT : Pass<"llmc-prune-sparsegpt", "::mlir::ModuleOp"> {
  let summary = "Prune weights and let those that stay make up for it";
  let description = [{
    SparseGPT (arXiv 2301.00774). With the Gram matrix G = E[x x^T] of what the
    linear reads, H = G + damping * mean(diag G) * I and the upper triangular U
    of H^-1 = U^T U, goes through the columns of a weight: in each block of
    `block` columns those weights become 0 whose `w_ij^2 / U_jj^2` are the
    lowest, a part `sparsity` of all the block's, or what n:m asks of each
    group of columns; and what that does to outputs is made up for by the
    columns behind. Patterns are n:m and none; storage and what stays as it is
    are those of `llmc-prune-magnitude`.

    A column makes up for those before it only. With `refit` the weights that
    stay are fitted all at once afterwards: so many rounds of conjugate
    gradients for the least (w - w0) H (w - w0)^T of each row.

    Needs statistics of the inputs: `llmc-calibrate` or `llmc-read-statistics`.
    A weight of whose input nothing is known stays as it is, and one whose H
    is not positive definite.
  }];
  let options = !listconcat([
    DampingOption<>,
    Option<"block", "block", "int64_t", /*default=*/"128",
           "Columns whose weights are chosen together">,
    RefitOption<"0">
  ], pruneOptions);
  let statistics = pruneStatistics;
}

def PruneALPS : Pass<"llmc-prune-alps", "::mlir::ModuleOp"> {
  let summary = "Prune weights and fit those that stay, all at once";
  let description = [{
    ALPS (arXiv 2406.07831). For the least (w - w0) H (w - w0)^T over weights w
    of which only a part is not 0, with H as `llmc-prune-sparsegpt` has it in
    units in which its diagonal is 1, alternates between weights that are free
    and their nearest ones that are pruned (ADMM):

        w = (w0 H - v + rho d) (H + rho I)^-1
        d = the largest of w + v / rho, zeros elsewhere
        v = v + rho (w - d)

    rho is 0.1 at first and grows every third round, by 1.3, 1.2 or 1.1, the
    more the choice of weights still changes; it ends when the choice no longer
    does, or after `rounds`. Then `refit` rounds of conjugate gradients fit the
    weights that stay. Slower than SparseGPT, and nearer the original.

    Weights are compared within a parameter, or a row. Needs statistics of the
    inputs; what stays as it is, patterns, and storage are those of
    `llmc-prune-sparsegpt`, and tiles are pruned too.
  }];
  let options = !listconcat([
    ScopeOption<"Layer">, DampingOption<>,
    Option<"rounds", "rounds", "int64_t", /*default=*/"100",
           "At most so many rounds of alternating directions">,
    RefitOption<"10">
  ], pruneOptions);
  let statistics = pruneStatistics;
}

#endif // LLMC_COMPRESS_PRUNEWEIGHTS
