//===- Patterns.h - conversion patterns and what they share ----*- C++ -*-===//
//
// Each family of ops has one populate function in one file of lib/Lower.
//
//===----------------------------------------------------------------------===//

#ifndef LLMC_LOWER_PATTERNS_H
#define LLMC_LOWER_PATTERNS_H

#include "llmc/Lower/Passes.h"
#include "mlir/Transforms/DialectConversion.h"

namespace llmc {

/// Unsigned integers become signless, and the floats and integers of 8 bits and
/// fewer that LLVM does not compute with (isHeldInByte) i8; the ops keep the
/// original types.
class LowerTypeConverter : public mlir::TypeConverter {
public:
  LowerTypeConverter();
};

void populateUnaryToLinalg(const LowerTypeConverter &converter,
                           mlir::RewritePatternSet &patterns);
void populateBinaryToLinalg(const LowerTypeConverter &converter,
                            mlir::RewritePatternSet &patterns);
void populateCastToLinalg(const LowerTypeConverter &converter,
                          mlir::RewritePatternSet &patterns);
void populateReduceToLinalg(const LowerTypeConverter &converter,
                            mlir::RewritePatternSet &patterns);
void populateMatMulToLinalg(const LowerTypeConverter &converter,
                            mlir::RewritePatternSet &patterns);
void populateShapeToTensor(const LowerTypeConverter &converter,
                           mlir::RewritePatternSet &patterns);
void populateGatherToLinalg(const LowerTypeConverter &converter,
                            mlir::RewritePatternSet &patterns);
void populateScatterToLinalg(const LowerTypeConverter &converter,
                             mlir::RewritePatternSet &patterns);
void populateSortToLinalg(const LowerTypeConverter &converter,
                          mlir::RewritePatternSet &patterns);
void populateIndexToLinalg(const LowerTypeConverter &converter,
                           mlir::RewritePatternSet &patterns);
void populateConvToLinalg(const LowerTypeConverter &converter,
                          mlir::RewritePatternSet &patterns);
void populateDeformConvToLinalg(const LowerTypeConverter &converter,
                                mlir::RewritePatternSet &patterns);
void populateDetToLinalg(const LowerTypeConverter &converter,
                         mlir::RewritePatternSet &patterns);
void populatePoolToLinalg(const LowerTypeConverter &converter,
                          mlir::RewritePatternSet &patterns);
void populateResizeToLinalg(const LowerTypeConverter &converter,
                            mlir::RewritePatternSet &patterns);
void populateGridSampleToLinalg(const LowerTypeConverter &converter,
                                mlir::RewritePatternSet &patterns);
void populateRoiAlignToLinalg(const LowerTypeConverter &converter,
                              mlir::RewritePatternSet &patterns);
void populateNonMaxSuppressionToLinalg(const LowerTypeConverter &converter,
                                       mlir::RewritePatternSet &patterns);
void populateRecurrentToLinalg(const LowerTypeConverter &converter,
                               mlir::RewritePatternSet &patterns);
void populateQuantToLinalg(const LowerTypeConverter &converter,
                           mlir::RewritePatternSet &patterns);
void populateQuantizeDynamicToLinalg(const LowerTypeConverter &converter,
                                     mlir::RewritePatternSet &patterns);
void populateCacheToTensor(const LowerTypeConverter &converter,
                           mlir::RewritePatternSet &patterns);
void populateWeightToLinalg(const LowerTypeConverter &converter,
                            mlir::RewritePatternSet &patterns);

//===----------------------------------------------------------------------===//
// Building blocks
//===----------------------------------------------------------------------===//

/// The size of a dimension as an index value; a constant when it is static.
mlir::Value createDim(mlir::OpBuilder &builder, mlir::Location location,
                      mlir::Value tensor, int64_t dimension);

/// All dimensions, static ones as attributes.
llvm::SmallVector<mlir::OpFoldResult> createDims(mlir::OpBuilder &builder,
                                                 mlir::Location location,
                                                 mlir::Value tensor);

/// An index constant.
mlir::Value createIndex(mlir::OpBuilder &builder, mlir::Location location,
                        int64_t value);

/// A scalar constant of an integer or float type.
mlir::Value createScalar(mlir::OpBuilder &builder, mlir::Location location,
                         mlir::Type type, double value);

/// The smallest (or largest) value of a type, infinity for floats.
mlir::Value createLimit(mlir::OpBuilder &builder, mlir::Location location,
                        mlir::Type type, bool isSigned, bool lowest);

/// A tensor of `type` with the dynamic dimensions taken from `dims`.
mlir::Value createEmpty(mlir::OpBuilder &builder, mlir::Location location,
                        mlir::RankedTensorType type,
                        llvm::ArrayRef<mlir::OpFoldResult> dims);

/// A tensor filled with one scalar.
mlir::Value createFilled(mlir::OpBuilder &builder, mlir::Location location,
                         mlir::RankedTensorType type,
                         llvm::ArrayRef<mlir::OpFoldResult> dims,
                         mlir::Value scalar);

using ScalarBody = llvm::function_ref<mlir::Value(
    mlir::OpBuilder &, mlir::Location, mlir::ValueRange)>;

/// An elementwise linalg.generic with numpy broadcasting: an operand dimension
/// of static size 1 is repeated, every other one equals the result's.
mlir::Value createElementwise(mlir::OpBuilder &builder, mlir::Location location,
                              mlir::RankedTensorType resultType,
                              mlir::ValueRange operands, ScalarBody body);

/// A tensor whose element at `indices` is computed by `body`.
mlir::Value createGenerated(mlir::OpBuilder &builder, mlir::Location location,
                            mlir::RankedTensorType type,
                            llvm::ArrayRef<mlir::OpFoldResult> dims,
                            ScalarBody body);

using LoopBody = llvm::function_ref<llvm::SmallVector<mlir::Value>(
    mlir::OpBuilder &, mlir::Location, mlir::ValueRange indices,
    mlir::ValueRange carried)>;

/// Nested loops from 0 to each of `bounds`, the last innermost, that carry
/// `initial` (tensors or scalars) through `body`; their final values.
llvm::SmallVector<mlir::Value>
createLoops(mlir::OpBuilder &builder, mlir::Location location,
            mlir::ValueRange bounds, mlir::ValueRange initial, LoopBody body);

/// The element at `position`, which is inside of `tensor` unless the tensor is
/// empty: then 0, without a read.
mlir::Value createSafeExtract(mlir::OpBuilder &builder, mlir::Location location,
                              mlir::Value tensor, mlir::ValueRange position);

/// Declares the function that run-time checks call; once per module, before
/// any of them.
void declareErrorReport(mlir::ModuleOp module);

/// The type in which products are summed: f32 for narrower floats.
mlir::Type accumulatorType(mlir::Type type);

/// The body `sum + x * y` of a contraction over (x, y, sum), where x and y may
/// be narrower floats than sum.
void createMultiplyAdd(mlir::OpBuilder &builder, mlir::Location location,
                       mlir::ValueRange args);

/// Sets llmc_error to `code` at run time unless the i1 `condition` holds.
void createRuntimeCheck(mlir::OpBuilder &builder, mlir::Location location,
                        mlir::Value condition, RuntimeError code);

/// `index` (i64 or i32 element of an ONNX index tensor) as an index in
/// [0, size): negative values count from the end; values outside are reported
/// to llmc_error and clamped, so that no access leaves its buffer. Returns 0
/// when the axis is empty.
mlir::Value createCheckedIndex(mlir::OpBuilder &builder,
                               mlir::Location location, mlir::Value index,
                               mlir::Value size);

/// Whether elements of this type are held in an i8: f8, f4, and integers of 2
/// to 7 bits.
bool isHeldInByte(mlir::Type type);

/// The element type that an op's operand had before conversion.
inline mlir::Type elementTypeOf(mlir::Value value) {
  return llvm::cast<mlir::ShapedType>(value.getType()).getElementType();
}

/// ONNX integers are signed unless the type says otherwise; i1 is unsigned.
inline bool isSignedElement(mlir::Type type) {
  return !type.isUnsignedInteger() && !type.isInteger(1);
}

} // namespace llmc

#endif // LLMC_LOWER_PATTERNS_H
