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

#endif // LLMC_COMPRESS_SHARE
