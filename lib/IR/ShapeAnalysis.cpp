//===- ShapeAnalysis.cpp - symbolic shapes of a whole function ------------===//

#include "llmc/IR/ShapeAnalysis.h"
#include "llmc/IR/Dialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace llmc;

RankedTensorType llmc::getRefinedType(Value value, ShapeContext &shapes) {
  auto type = cast<RankedTensorType>(value.getType());
  ShapeInfo info{type.getElementType(),
                 SmallVector<AffineExpr>(shapes.dims(value)), std::nullopt};
  return RankedTensorType::get(info.getType().getShape(), type.getElementType(),
                               type.getEncoding());
}

static void bindArguments(FunctionOpInterface function, ShapeContext &shapes) {
  for (auto [index, argument] : llvm::enumerate(function.getArguments())) {
    auto type = dyn_cast<RankedTensorType>(argument.getType());
    if (type && type.getRank() == 0 && function.getArgAttr(index, sizeAttr))
      shapes.set(argument, {type.getElementType(),
                            {},
                            SmallVector<AffineExpr>{shapes.freshSymbol()}});
    auto names = function.getArgAttrOfType<ArrayAttr>(index, dimsAttr);
    if (!type || !names || int64_t(names.size()) != type.getRank())
      continue;
    ShapeInfo info{type.getElementType(), {}, std::nullopt};
    for (auto [size, attribute] : llvm::zip(type.getShape(), names)) {
      auto name = dyn_cast<StringAttr>(attribute);
      if (!ShapedType::isDynamic(size))
        info.dims.push_back(shapes.constant(size));
      else if (name && !name.getValue().empty())
        info.dims.push_back(shapes.namedSymbol(name.getValue()));
      else
        info.dims.push_back(shapes.freshSymbol());
    }
    shapes.set(argument, info);
  }
}

/// What a declared type adds to what was inferred; an error when they differ.
static LogicalResult mergeDeclared(Operation *op, OpResult result,
                                   ShapeInfo &info, ShapeContext &shapes) {
  auto type = cast<RankedTensorType>(result.getType());
  auto contradiction = [&] {
    return op->emitOpError("result ")
           << result.getResultNumber() << " is declared as " << type
           << ", but its operands make it " << info.getType();
  };
  if (info.elementType != type.getElementType() ||
      int64_t(info.dims.size()) != type.getRank())
    return contradiction();
  // In bits, as for the largest elements.
  int64_t product = 128;
  for (auto [dim, size] : llvm::zip(info.dims, type.getShape())) {
    std::optional<int64_t> inferred = getConstant(shapes.simplify(dim));
    if (!ShapedType::isDynamic(size)) {
      if (inferred && *inferred != size)
        return contradiction();
      dim = shapes.constant(size);
      inferred = size;
    }
    if (inferred && *inferred > 0 &&
        llvm::MulOverflow(product, *inferred, product))
      return op->emitOpError("result ")
             << result.getResultNumber()
             << " has dimensions whose product overflows: " << info.getType();
  }
  return success();
}

/// The result of a cast has its operand's dimensions where it hides them.
static void analyzeCast(tensor::CastOp op, ShapeContext &shapes) {
  auto from = dyn_cast<RankedTensorType>(op.getSource().getType());
  auto to = dyn_cast<RankedTensorType>(op.getType());
  if (!from || !to)
    return;
  ShapeInfo info{to.getElementType(), {}, shapes.values(op.getSource())};
  for (auto [dim, size] : llvm::zip(shapes.dims(op.getSource()), to.getShape()))
    info.dims.push_back(ShapedType::isDynamic(size) ? dim
                                                    : shapes.constant(size));
  shapes.set(op.getResult(), info);
}

/// A result of scf.if has the dimensions in which both branches agree.
static void analyzeIf(scf::IfOp op, ShapeContext &shapes) {
  if (op.getNumResults() == 0)
    return;
  for (auto [result, yes, no] :
       llvm::zip(op.getResults(), op.thenYield().getResults(),
                 op.elseYield().getResults())) {
    auto type = dyn_cast<RankedTensorType>(result.getType());
    if (!type)
      continue;
    ShapeInfo info{type.getElementType(), {}, std::nullopt};
    SmallVector<AffineExpr> left(shapes.dims(yes)), right(shapes.dims(no));
    for (auto [a, b] : llvm::zip(left, right))
      info.dims.push_back(a == b ? a : shapes.freshSymbol());
    shapes.set(result, info);
  }
}

/// Sizes that were read off other tensors are theirs.
static void analyzeEmpty(tensor::EmptyOp op, ShapeContext &shapes) {
  ShapeInfo info{op.getType().getElementType(), {}, std::nullopt};
  auto dynamic = op.getDynamicSizes().begin();
  for (int64_t size : op.getType().getShape()) {
    if (!ShapedType::isDynamic(size)) {
      info.dims.push_back(shapes.constant(size));
      continue;
    }
    auto dim = (*dynamic++).getDefiningOp<tensor::DimOp>();
    std::optional<int64_t> index = dim ? dim.getConstantIndex() : std::nullopt;
    info.dims.push_back(index &&
                                isa<RankedTensorType>(dim.getSource().getType())
                            ? shapes.dim(dim.getSource(), *index)
                            : shapes.freshSymbol());
  }
  shapes.set(op.getResult(), info);
}

static void analyzeLaunch(LaunchOp op, ShapeContext &shapes) {
  for (auto [result, output] : llvm::zip(op.getResults(), op.getOutputs()))
    shapes.set(result,
               {shapes.elementType(output),
                SmallVector<AffineExpr>(shapes.dims(output)), std::nullopt});
}

LogicalResult llmc::analyzeShapes(Operation *op, ShapeContext &shapes) {
  for (Value result : op->getResults())
    shapes.forget(result);
  if (auto empty = dyn_cast<tensor::EmptyOp>(op)) {
    analyzeEmpty(empty, shapes);
    return success();
  }
  if (auto launch = dyn_cast<LaunchOp>(op)) {
    analyzeLaunch(launch, shapes);
    return success();
  }
  if (auto cast = dyn_cast<tensor::CastOp>(op)) {
    analyzeCast(cast, shapes);
    return success();
  }
  if (auto branch = dyn_cast<scf::IfOp>(op)) {
    analyzeIf(branch, shapes);
    return success();
  }
  auto inferable = dyn_cast<llmc::ShapeInferenceOpInterface>(op);
  if (!inferable)
    return success();
  SmallVector<ShapeInfo> infos;
  shapes.setOp(op);
  LogicalResult inferred = inferable.inferResultShapes(shapes, infos);
  shapes.setOp(nullptr);
  if (failed(inferred))
    return failure();
  for (auto [result, info] : llvm::zip(op->getResults(), infos)) {
    if (failed(mergeDeclared(op, result, info, shapes)))
      return failure();
    shapes.set(result, info);
  }
  return success();
}

static LogicalResult
analyzeRegion(Region &region, ShapeContext &shapes,
              function_ref<LogicalResult(Operation *)> visit) {
  for (Block &block : region)
    for (Operation &op : llvm::make_early_inc_range(block)) {
      // Arguments of loop bodies are not analysed: their types hold for every
      // iteration, so each dynamic dimension is an unknown of its own.
      for (Region &inner : op.getRegions())
        if (failed(analyzeRegion(inner, shapes, visit)))
          return failure();
      if (failed(analyzeShapes(&op, shapes)) || (visit && failed(visit(&op))))
        return failure();
    }
  return success();
}

LogicalResult
llmc::analyzeShapes(FunctionOpInterface function, ShapeContext &shapes,
                    function_ref<LogicalResult(Operation *)> visit) {
  bindArguments(function, shapes);
  return analyzeRegion(function.getFunctionBody(), shapes, visit);
}
