//===- Passes.td - handing ops to backends --------------------------------===//

#ifndef LLMC_TARGET_PASSES
#define LLMC_TARGET_PASSES

include "mlir/Pass/PassBase.td"

def ClaimKernels : Pass<"llmc-claim-kernels", "::mlir::ModuleOp"> {
  let summary = "Let backends take over the ops they have kernels for";
  let description = [{
    Offers each op of @main to the loaded backends, in the order in which they
    were loaded. An op that one of them claims becomes a launch of a kernel
    that the backend will generate, and its weight is stored in the layout that
    the kernel reads. Parameters that nothing reads any more are freed.

    ```mlir
    llmc.param @fc1 = dense_resource<fc1> : tensor<64x576xf32>
    %w = llmc.weight @fc1 : tensor<64x576xf32>
    %y = llmc.linear %x, %w : (tensor<?x576xf32>, ...) -> tensor<?x64xf32>
    // becomes
    llmc.param @fc1.cpu.panels = dense_resource<...> : tensor<36864xf32>
    llmc.kernel @linear_0 by "cpu" kind "linear" {config = {...}}
    %p = llmc.weight @fc1.cpu.panels : tensor<36864xf32>
    %n = tensor.dim %x, %c0 : tensor<?x576xf32>
    %e = tensor.empty(%n) : tensor<?x64xf32>
    %y = llmc.launch @linear_0 ins(%x, %p : ...) outs(%e : ...) -> ...
    ```

    A launch of several outputs stands where the first of them was; ops behind
    it that compute what it reads are moved before it. An output that updates a
    value, such as a cache, has that value instead of an empty tensor.

    An op that takes time - a linear or another product of matrices, a
    convolution, a recurrent layer, an embedding, an attention, a norm, a
    rounding of activations, the largest of a row - and that no backend claims
    is a remark, and an error with `strict`: it would run through the reference
    lowering. So is what a claim falls short of.
  }];
  let dependentDialects = ["::llmc::LLMCDialect", "::mlir::arith::ArithDialect",
                           "::mlir::tensor::TensorDialect"];
  let options = [
    Option<"backends", "backends", "std::string", "\"\"",
           "Names of the backends to ask, separated by blanks; all that are "
           "loaded if empty">,
    Option<"strict", "strict", "bool", "false",
           "What would be a remark is an error">];
  let statistics = [
    Statistic<"numClaimed", "claimed", "Ops that became launches">,
    Statistic<"numKernels", "kernels", "Different kernels they launch">];
}

def ExtensionPoint : Pass<"llmc-extension-point", "::mlir::ModuleOp"> {
  let summary = "Run the passes that backends add at a named point";
  let description = [{
    Pipelines have this pass wherever a backend may want to join in; the names
    are in llmc/Target/Backend.h. Without backends it does nothing.
  }];
  let dependentDialects = [
    "::llmc::LLMCDialect",
    "::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect",
    "::mlir::func::FuncDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::LLVM::LLVMDialect", "::mlir::math::MathDialect",
    "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
    "::mlir::tensor::TensorDialect", "::mlir::vector::VectorDialect"];
  let options = [Option<"name", "name", "std::string", "\"\"",
                        "Name of the point">];
}

def EmitKernels : Pass<"llmc-emit-kernels", "::mlir::ModuleOp"> {
  let summary = "Have backends generate the kernels that are launched";
  let description = [{
    Runs on buffers. Each llmc.kernel becomes a private function, whose body its
    backend writes, and each launch a call of it. @main loses the marks of
    `llmc-find-batch` if a backend's kernels cannot run in parts.

    ```mlir
    llmc.kernel @linear_0 by "cpu" kind "linear" {config = {...}}
    llmc.launch @linear_0 ins(%x, %p : ...) outs(%y : ...)
    // becomes
    func.func private @linear_0(%x: memref<?x576xf32>, ...) { ... }
    call @linear_0(%x, %p, %y) : ...
    ```
  }];
  let dependentDialects = ["::llmc::LLMCDialect", "::mlir::func::FuncDialect",
                           "::mlir::memref::MemRefDialect",
                           "::mlir::scf::SCFDialect",
                           "::mlir::vector::VectorDialect",
                           "::mlir::LLVM::LLVMDialect"];
}

#endif // LLMC_TARGET_PASSES
