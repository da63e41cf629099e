//===- OnnxOps.cpp - nodes that llmc carries without knowing them ---------===//

#include "llmc/IR/Dialect.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace llmc;

#define GET_OP_CLASSES
#include "llmc/IR/OnnxOps.cpp.inc"

void LLMCDialect::registerOnnxOps() {
  addOperations<
#define GET_OP_LIST
#include "llmc/IR/OnnxOps.cpp.inc"
      >();
}

LogicalResult OnnxOp::verify() {
  int64_t present = llvm::count(getPresent(), true);
  if (present != int64_t(getInputs().size()))
    return emitOpError("has ") << getInputs().size() << " operands, but "
                               << "'present' names " << present;
  return success();
}
