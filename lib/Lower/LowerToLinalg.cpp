//===- LowerToLinalg.cpp - primitive llmc ops to linalg on tensors --------===//

#include "llmc/Lower/Patterns.h"
#include "mlir/Dialect/Func/Transforms/FuncConversions.h"
#include "mlir/Dialect/SCF/Transforms/Patterns.h"

namespace llmc {
#define GEN_PASS_DEF_LOWERTOLINALG
#include "llmc/Lower/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

LowerTypeConverter::LowerTypeConverter() {
  addConversion([](Type type) { return type; });
  addConversion([](IntegerType type) -> Type {
    return IntegerType::get(type.getContext(),
                            isHeldInByte(type) ? 8 : type.getWidth());
  });
  addConversion([](FloatType type) -> Type {
    return isHeldInByte(type) ? Type(IntegerType::get(type.getContext(), 8))
                              : Type(type);
  });
  addConversion([this](RankedTensorType type) -> Type {
    return type.clone(convertType(type.getElementType()));
  });
  auto cast = [](OpBuilder &builder, Type type, ValueRange inputs,
                 Location location) -> Value {
    return UnrealizedConversionCastOp::create(builder, location, type, inputs)
        .getResult(0);
  };
  addSourceMaterialization(cast);
  addTargetMaterialization(cast);
}

namespace {
struct LowerToLinalg : llmc::impl::LowerToLinalgBase<LowerToLinalg> {
  void runOnOperation() override {
    if (failed(rejectUnknownNodes()))
      return signalPassFailure();
    MLIRContext *context = &getContext();
    declareErrorReport(getOperation());
    LowerTypeConverter converter;
    RewritePatternSet patterns(context);
    populateUnaryToLinalg(converter, patterns);
    populateBinaryToLinalg(converter, patterns);
    populateCastToLinalg(converter, patterns);
    populateReduceToLinalg(converter, patterns);
    populateMatMulToLinalg(converter, patterns);
    populateShapeToTensor(converter, patterns);
    populateGatherToLinalg(converter, patterns);
    populateScatterToLinalg(converter, patterns);
    populateSortToLinalg(converter, patterns);
    populateIndexToLinalg(converter, patterns);
    populateConvToLinalg(converter, patterns);
    populateDeformConvToLinalg(converter, patterns);
    populateDetToLinalg(converter, patterns);
    populatePoolToLinalg(converter, patterns);
    populateResizeToLinalg(converter, patterns);
    populateGridSampleToLinalg(converter, patterns);
    populateRoiAlignToLinalg(converter, patterns);
    populateNonMaxSuppressionToLinalg(converter, patterns);
    populateRecurrentToLinalg(converter, patterns);
    populateQuantToLinalg(converter, patterns);
    populateQuantizeDynamicToLinalg(converter, patterns);
    populateCacheToTensor(converter, patterns);
    populateWeightToLinalg(converter, patterns);
    populateFunctionOpInterfaceTypeConversionPattern<func::FuncOp>(patterns,
                                                                   converter);
    populateReturnOpTypeConversionPattern(patterns, converter);
    populateCallOpTypeConversionPattern(patterns, converter);

    ConversionTarget target(*context);
    scf::populateSCFStructuralTypeConversionsAndLegality(converter, patterns,
                                                         target);
    target.addIllegalDialect<LLMCDialect>();
    target.addLegalOp<ParamOp, KernelOp, ModuleOp>();
    target.addDynamicallyLegalOp<LaunchOp>(
        [&](Operation *op) { return converter.isLegal(op); });
    target.addLegalDialect<arith::ArithDialect, linalg::LinalgDialect,
                           math::MathDialect>();
    // scf.for and others that the patterns themselves create.
    target.addDynamicallyLegalDialect<tensor::TensorDialect, scf::SCFDialect>(
        [&](Operation *op) { return converter.isLegal(op); });
    target.addDynamicallyLegalOp<func::FuncOp>([&](func::FuncOp op) {
      return converter.isSignatureLegal(op.getFunctionType());
    });
    target.addDynamicallyLegalOp<func::ReturnOp, func::CallOp>(
        [&](Operation *op) { return converter.isLegal(op); });
    patterns.add<RetypeTensorCast, RetypeLaunch>(converter, context);
    if (failed(
            applyFullConversion(getOperation(), target, std::move(patterns))))
      signalPassFailure();
  }

  /// tensor.cast of an unsigned type, which importers and inference leave.
  struct RetypeTensorCast : OpConversionPattern<tensor::CastOp> {
    using OpConversionPattern::OpConversionPattern;
    LogicalResult
    matchAndRewrite(tensor::CastOp op, OpAdaptor adaptor,
                    ConversionPatternRewriter &rewriter) const override {
      rewriter.replaceOpWithNewOp<tensor::CastOp>(
          op, getTypeConverter()->convertType(op.getType()),
          adaptor.getSource());
      return success();
    }
  };

  /// Packed parameters are of unsigned bytes.
  struct RetypeLaunch : OpConversionPattern<LaunchOp> {
    using OpConversionPattern::OpConversionPattern;
    LogicalResult
    matchAndRewrite(LaunchOp op, OpAdaptor adaptor,
                    ConversionPatternRewriter &rewriter) const override {
      SmallVector<Type> types;
      if (failed(getTypeConverter()->convertTypes(op.getResultTypes(), types)))
        return failure();
      rewriter.replaceOpWithNewOp<LaunchOp>(
          op, types, op.getKernel(), adaptor.getInputs(), adaptor.getOutputs(),
          op.getUpdatesAttr());
      return success();
    }
  };

  LogicalResult rejectUnknownNodes() {
    LogicalResult result = success();
    getOperation().walk([&](OnnxOp op) {
      StringRef domain = op.getDomain();
      op.emitError("no lowering for the ONNX op ")
          << (domain.empty() ? "ai.onnx" : domain) << "." << op.getOpType()
          << " version " << op.getVersion();
      result = failure();
    });
    return result;
  }
};
} // namespace
