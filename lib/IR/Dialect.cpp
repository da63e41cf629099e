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
  Attribute element;
  if (isa<FloatType>(elementType))
    element = builder.getFloatAttr(elementType, value);
  else
    element = IntegerAttr::get(
        elementType, APInt(elementType.getIntOrFloatBitWidth(),
                           uint64_t(int64_t(value)), /*isSigned=*/true,
                           /*implicitTrunc=*/true));
  return ConstantOp::create(builder, location, type,
                            DenseElementsAttr::get(type, element));
}
