//===- Passes.td - the reference lowering ---------------------------------===//

#ifndef LLMC_LOWER_PASSES
#define LLMC_LOWER_PASSES

include "mlir/Pass/PassBase.td"

def ParamsToArguments : Pass<"llmc-params-to-arguments", "::mlir::ModuleOp"> {
  let summary = "Make every parameter that @main uses a trailing argument";
  let description = [{
    Compiled code receives its weights as ordinary buffers, so that an
    executor can hand over mapped memory without a copy. The param ops stay:
    they hold the bytes.

    ```mlir
    func.func @main(%x: tensor<?x8xf32>) -> tensor<?x4xf32> {
      %w = llmc.weight @fc1 : tensor<4x8xf32>
    // becomes
    func.func @main(%x: tensor<?x8xf32>,
                    %w: tensor<4x8xf32> {llmc.param = @fc1}) -> ...
    ```
  }];
}

def LowerToLinalg : Pass<"llmc-to-linalg", "::mlir::ModuleOp"> {
  let summary = "Lower primitive llmc ops to linalg, tensor, scf and arith";
  let description = [{
    The reference lowering: one simple and obviously right form per op, on
    tensors. Unsigned integers become signless. Every other path is compared
    against it.
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::func::FuncDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect",
    "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect"];
}

def CopiesToLoops : Pass<"llmc-copies-to-loops", "::mlir::ModuleOp"> {
  let summary = "Turn copies of strided buffers into linalg.copy";
  let description = [{
    Upstream lowers `memref.copy` of a strided buffer to a call of MLIR's
    runner library, which compiled artifacts do without.
  }];
  let dependentDialects = ["::mlir::linalg::LinalgDialect"];
}

def EmitInvoke : Pass<"llmc-emit-invoke", "::mlir::ModuleOp"> {
  let summary = "Emit the entry `void llmc_invoke(void **args)`";
  let description = [{
    Runs on the LLVM dialect. `args[0]` points to the results' memref
    descriptors, laid out one after the other, which the call fills with
    buffers that the caller frees; the others point to the descriptors of
    @main's arguments. Defines the global `int64_t llmc_error` that run-time
    checks set.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

#endif // LLMC_LOWER_PASSES
