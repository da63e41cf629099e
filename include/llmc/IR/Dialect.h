//===- Dialect.h - the llmc dialect and its ops ----------------*- C++ -*-===//

#ifndef LLMC_IR_DIALECT_H
#define LLMC_IR_DIALECT_H

#include "llmc/IR/ShapeInference.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "llmc/IR/Dialect.h.inc"
#include "llmc/IR/Enums.h.inc"
#include "llmc/IR/Interfaces.h.inc"

namespace llmc {

/// Trait of ops whose operands are broadcast against each other.
template <typename ConcreteOp>
class Broadcasts : public mlir::OpTrait::TraitBase<ConcreteOp, Broadcasts> {};

} // namespace llmc

#define GET_ATTRDEF_CLASSES
#include "llmc/IR/Attributes.h.inc"

#define GET_OP_CLASSES
#include "llmc/IR/WeightOps.h.inc"
#define GET_OP_CLASSES
#include "llmc/IR/MathOps.h.inc"
#define GET_OP_CLASSES
#include "llmc/IR/ShapeOps.h.inc"
#define GET_OP_CLASSES
#include "llmc/IR/IndexOps.h.inc"
#define GET_OP_CLASSES
#include "llmc/IR/LLMOps.h.inc"
#define GET_OP_CLASSES
#include "llmc/IR/NNOps.h.inc"
#define GET_OP_CLASSES
#include "llmc/IR/ImageOps.h.inc"
#define GET_OP_CLASSES
#include "llmc/IR/RecurrentOps.h.inc"
#define GET_OP_CLASSES
#include "llmc/IR/QuantOps.h.inc"
#define GET_OP_CLASSES
#include "llmc/IR/OnnxOps.h.inc"
#define GET_OP_CLASSES
#include "llmc/IR/KernelOps.h.inc"

namespace llmc {

/// Attribute names on the arguments and results of a model's entry function.
inline constexpr llvm::StringLiteral nameAttr = "llmc.name";
inline constexpr llvm::StringLiteral dimsAttr = "llmc.dims";
/// On an argument: it is a buffer that the session keeps between runs, such as
/// the KV cache, and replaces the result of this name.
inline constexpr llvm::StringLiteral stateAttr = "llmc.state";
inline constexpr llvm::StringLiteral sizeAttr = "llmc.size";
/// On arguments: given parts of them along dimension 0, @main returns the same
/// parts of its results.
inline constexpr llvm::StringLiteral batchAttr = "llmc.batch";

/// Bytes that the parameters of a weight expression occupy, each parameter
/// counted once; see WeightOpInterface.
int64_t storageBytes(mlir::Value weight);

/// The bytes of a parameter in row-major order, i1 as one byte each. They lie
/// in its blob, or in `copy` when the attribute holds them in another form.
llvm::ArrayRef<char> getParamBytes(ParamOp param,
                                   llvm::SmallVectorImpl<char> &copy);

/// Whether each element of the result is computed from the same one of the
/// operands, which may be broadcast.
bool isElementwise(mlir::Operation *op);

/// A constant i64 vector, the form of axes and shapes.
mlir::Value createI64Constant(mlir::OpBuilder &builder, mlir::Location location,
                              llvm::ArrayRef<int64_t> values);

/// A rank-0 constant of any integer or float element type.
mlir::Value createScalarConstant(mlir::OpBuilder &builder,
                                 mlir::Location location,
                                 mlir::Type elementType, double value);

} // namespace llmc

#endif // LLMC_IR_DIALECT_H
