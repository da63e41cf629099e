//===- LaunchBufferization.cpp - launches on buffers ----------------------===//

#include "llmc/Target/Passes.h"
#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Bufferization/IR/DstBufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace mlir::bufferization;
using namespace llmc;

/// A buffer of row-major order for a kernel to work on: `buffer` itself, or a
/// new one of its size.
static FailureOr<Value> createDense(RewriterBase &b, Location loc, Value buffer,
                                    const BufferizationOptions &options) {
  auto type = cast<MemRefType>(buffer.getType());
  if (type.getLayout().isIdentity())
    return buffer;
  auto dense = MemRefType::get(type.getShape(), type.getElementType());
  SmallVector<Value> sizes;
  for (int64_t i = 0; i < type.getRank(); ++i)
    if (type.isDynamicDim(i))
      sizes.push_back(memref::DimOp::create(b, loc, buffer, i));
  return options.createAlloc(b, loc, dense, sizes);
}

namespace {
struct LaunchBufferization
    : DstBufferizableOpInterfaceExternalModel<LaunchBufferization, LaunchOp> {
  /// Kernels do not read what their outputs hold, unless they update it.
  bool bufferizesToMemoryRead(Operation *op, OpOperand &operand,
                              const AnalysisState &) const {
    auto launch = cast<LaunchOp>(op);
    return !launch.isDpsInit(&operand) ||
           launch.isUpdate(operand.getOperandNumber() -
                           launch.getInputs().size());
  }

  LogicalResult bufferize(Operation *op, RewriterBase &b,
                          const BufferizationOptions &options,
                          BufferizationState &state) const {
    auto launch = cast<LaunchOp>(op);
    Location loc = op->getLoc();
    SmallVector<Value> inputs, outputs, targets;
    for (Value input : launch.getInputs()) {
      FailureOr<Value> buffer = getBuffer(b, input, options, state);
      if (failed(buffer))
        return failure();
      FailureOr<Value> dense = createDense(b, loc, *buffer, options);
      if (failed(dense) || (*dense != *buffer && failed(options.createMemCpy(
                                                     b, loc, *buffer, *dense))))
        return failure();
      inputs.push_back(*dense);
    }
    for (auto [i, output] : llvm::enumerate(launch.getOutputs())) {
      FailureOr<Value> buffer = getBuffer(b, output, options, state);
      if (failed(buffer))
        return failure();
      FailureOr<Value> dense = createDense(b, loc, *buffer, options);
      if (failed(dense) ||
          (*dense != *buffer && launch.isUpdate(int64_t(i)) &&
           failed(options.createMemCpy(b, loc, *buffer, *dense))))
        return failure();
      targets.push_back(*buffer);
      outputs.push_back(*dense);
    }
    LaunchOp::create(b, loc, TypeRange{}, launch.getKernel(), inputs, outputs,
                     launch.getUpdatesAttr());
    for (auto [output, target] : llvm::zip(outputs, targets))
      if (output != target &&
          failed(options.createMemCpy(b, loc, output, target)))
        return failure();
    replaceOpWithBufferizedValues(b, op, targets);
    return success();
  }
};
} // namespace

void llmc::registerLaunchBufferization(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, LLMCDialect *) {
    LaunchOp::attachInterface<LaunchBufferization>(*context);
    context->loadDialect<BufferizationDialect, memref::MemRefDialect>();
  });
}
