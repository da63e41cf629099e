//===- KernelOps.td - what backends take over -----------------------------===//

#ifndef LLMC_IR_KERNELOPS
#define LLMC_IR_KERNELOPS

include "llmc/IR/LLMCBase.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/DestinationStyleOpInterface.td"

def LLMC_KernelOp : LLMC_Op<"kernel", [Symbol]> {
  let summary = "A function that a backend will generate";
  let description = [{
    `kind` names what it computes in the terms of the backend, `config` holds
    all that the backend needs to generate it: launches that agree in both
    share one kernel.

    ```mlir
    llmc.kernel @linear_0 by "cpu" kind "linear" {config = {bits = 4 : i64, ...}}
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, StrAttr:$backend,
                       StrAttr:$kind, DictionaryAttr:$config,
                       OptionalAttr<StrAttr>:$sym_visibility);
  let assemblyFormat =
      "$sym_name `by` $backend `kind` $kind attr-dict";
}

def LLMC_LaunchOp : LLMC_Op<"launch", [
    AttrSizedOperandSegments, DestinationStyleOpInterface,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "Runs a kernel on tensors, or on buffers";
  let description = [{
    A kernel reads `inputs` and writes all of `outputs`, whose former contents
    it does not read. Outputs whose numbers are in `updates` are the exception:
    the kernel may read them, and leaves what it does not write as it is, such
    as the rows of a cache. On tensors the results are the written outputs.

    ```mlir
    %y = llmc.launch @linear_0 ins(%x, %w : tensor<?x576xf32>, tensor<9x64xui8>)
                               outs(%e : tensor<?x64xf32>) -> tensor<?x64xf32>
    %c = llmc.launch @append_0 ins(%x, %n : tensor<?x64xf32>, tensor<i64>)
                               outs(%cache : tensor<?x64xf32>)
                               {updates = array<i64: 0>} -> tensor<?x64xf32>
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$kernel, Variadic<AnyShaped>:$inputs,
                       Variadic<AnyShaped>:$outputs,
                       OptionalAttr<DenseI64ArrayAttr>:$updates);
  let results = (outs Variadic<LLMC_Tensor>:$results);
  let assemblyFormat = [{
    $kernel (`ins` `(` $inputs^ `:` type($inputs) `)`)?
    `outs` `(` $outputs `:` type($outputs) `)` attr-dict (`->` type($results)^)?
  }];
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() {
      return getOutputsMutable();
    }
    /// Whether the kernel may read what output number `i` held.
    bool isUpdate(int64_t i) {
      return ::llvm::is_contained(
          getUpdates().value_or(::llvm::ArrayRef<int64_t>()), i);
    }
  }];
  let hasVerifier = 1;
}

#endif // LLMC_IR_KERNELOPS
