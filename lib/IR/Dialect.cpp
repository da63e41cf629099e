//===- Dialect.cpp - registration and shared pieces of the dialect --------===//

#include "llmc/IR/Dialect.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace llmc;

#include "llmc/IR/Dialect.cpp.inc"
#include "llmc/IR/Enums.cpp.inc"
#include "llmc/IR/Interfaces.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "llmc/IR/Attributes.cpp.inc"

void LLMCDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "llmc/IR/Attributes.cpp.inc"
      >();
  registerWeightOps();
  registerMathOps();
  registerShapeOps();
  registerIndexOps();
  registerLLMOps();
  registerNNOps();
  registerImageOps();
  registerRecurrentOps();
  registerQuantOps();
  registerOnnxOps();
  registerKernelOps();
  registerFolding();
}

Operation *LLMCDialect::materializeConstant(OpBuilder &builder, Attribute value,
                                            Type type, Location location) {
  auto elements = dyn_cast<ElementsAttr>(value);
  if (!elements || elements.getType() != type)
    return nullptr;
  return ConstantOp::create(builder, location, type, elements);
}

Value llmc::createI64Constant(OpBuilder &builder, Location location,
                              ArrayRef<int64_t> values) {
  auto type =
      RankedTensorType::get({int64_t(values.size())}, builder.getI64Type());
  return ConstantOp::create(builder, location, type,
                            DenseElementsAttr::get(type, values));
}

Value llmc::createScalarConstant(OpBuilder &builder, Location location,
                                 Type elementType, double value) {
  auto type = RankedTensorType::get({}, elementType);
  DenseElementsAttr elements;
  if (isa<FloatType>(elementType)) {
    elements = DenseElementsAttr::get(
        type, Attribute(builder.getFloatAttr(elementType, value)));
  } else {
    // Infinities become the largest numbers there are.
    APSInt integer(64, /*isUnsigned=*/false);
    bool isExact;
    APFloat(value).convertToInteger(integer, APFloat::rmTowardZero, &isExact);
    elements = DenseElementsAttr::get(
        type, integer.trunc(elementType.getIntOrFloatBitWidth()));
  }
  return ConstantOp::create(builder, location, type, elements);
}
