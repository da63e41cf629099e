//===- BuildingBlocks.cpp - what the conversion patterns share ------------===//

#include "llmc/Lower/Patterns.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace llmc;

Value llmc::createIndex(OpBuilder &builder, Location location, int64_t value) {
  return arith::ConstantIndexOp::create(builder, location, value);
}

Value llmc::createDim(OpBuilder &builder, Location location, Value tensor,
                      int64_t dimension) {
  auto type = cast<RankedTensorType>(tensor.getType());
  if (!type.isDynamicDim(dimension))
    return createIndex(builder, location, type.getDimSize(dimension));
  return tensor::DimOp::create(builder, location, tensor, dimension);
}

SmallVector<OpFoldResult> llmc::createDims(OpBuilder &builder,
                                           Location location, Value tensor) {
  auto type = cast<RankedTensorType>(tensor.getType());
  SmallVector<OpFoldResult> dims;
  for (auto [index, size] : llvm::enumerate(type.getShape())) {
    if (ShapedType::isDynamic(size))
      dims.push_back(createDim(builder, location, tensor, index));
    else
      dims.push_back(builder.getIndexAttr(size));
  }
  return dims;
}

Value llmc::createScalar(OpBuilder &builder, Location location, Type type,
                         double value) {
  if (auto floatType = dyn_cast<FloatType>(type))
    return arith::ConstantOp::create(builder, location,
                                     builder.getFloatAttr(floatType, value));
  if (type.isIndex())
    return createIndex(builder, location, int64_t(value));
  return arith::ConstantOp::create(
      builder, location,
      IntegerAttr::get(type, APInt(type.getIntOrFloatBitWidth(),
                                   uint64_t(int64_t(value)), /*isSigned=*/true,
                                   /*implicitTrunc=*/true)));
}

Value llmc::createLimit(OpBuilder &builder, Location location, Type type,
                        bool isSigned, bool lowest) {
  if (auto floatType = dyn_cast<FloatType>(type))
    return arith::ConstantOp::create(
        builder, location,
        builder.getFloatAttr(
            floatType, APFloat::getInf(floatType.getFloatSemantics(), lowest)));
  unsigned width = type.getIntOrFloatBitWidth();
  APInt value = isSigned ? (lowest ? APInt::getSignedMinValue(width)
                                   : APInt::getSignedMaxValue(width))
                         : (lowest ? APInt::getMinValue(width)
                                   : APInt::getMaxValue(width));
  return arith::ConstantOp::create(builder, location,
                                   IntegerAttr::get(type, value));
}

Value llmc::createEmpty(OpBuilder &builder, Location location,
                        RankedTensorType type, ArrayRef<OpFoldResult> dims) {
  SmallVector<Value> dynamic;
  for (auto [index, size] : llvm::enumerate(type.getShape()))
    if (ShapedType::isDynamic(size))
      dynamic.push_back(
          getValueOrCreateConstantIndexOp(builder, location, dims[index]));
  return tensor::EmptyOp::create(builder, location, type, dynamic);
}

Value llmc::createFilled(OpBuilder &builder, Location location,
                         RankedTensorType type, ArrayRef<OpFoldResult> dims,
                         Value scalar) {
  Value empty = createEmpty(builder, location, type, dims);
  return linalg::FillOp::create(builder, location, scalar, empty).getResult(0);
}

Value llmc::createElementwise(OpBuilder &builder, Location location,
                              RankedTensorType resultType, ValueRange operands,
                              ScalarBody body) {
  int64_t rank = resultType.getRank();
  MLIRContext *context = builder.getContext();
  SmallVector<OpFoldResult> dims(rank, builder.getIndexAttr(1));
  SmallVector<AffineMap> maps;
  for (Value operand : operands) {
    auto type = cast<RankedTensorType>(operand.getType());
    int64_t offset = rank - type.getRank();
    SmallVector<AffineExpr> exprs;
    for (auto [index, size] : llvm::enumerate(type.getShape())) {
      int64_t position = offset + index;
      if (size == 1 && resultType.getDimSize(position) != 1) {
        exprs.push_back(getAffineConstantExpr(0, context));
        continue;
      }
      exprs.push_back(getAffineDimExpr(position, context));
      if (resultType.isDynamicDim(position) &&
          getConstantIntValue(dims[position]) == 1)
        dims[position] = createDim(builder, location, operand, index);
    }
    maps.push_back(AffineMap::get(rank, 0, exprs, context));
  }
  maps.push_back(builder.getMultiDimIdentityMap(rank));
  Value empty = createEmpty(builder, location, resultType, dims);
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  return linalg::GenericOp::create(
             builder, location, resultType, operands, empty, maps, iterators,
             [&](OpBuilder &b, Location loc, ValueRange args) {
               linalg::YieldOp::create(b, loc, body(b, loc, args.drop_back()));
             })
      .getResult(0);
}

Value llmc::createGenerated(OpBuilder &builder, Location location,
                            RankedTensorType type, ArrayRef<OpFoldResult> dims,
                            ScalarBody body) {
  Value empty = createEmpty(builder, location, type, dims);
  SmallVector<utils::IteratorType> iterators(type.getRank(),
                                             utils::IteratorType::parallel);
  return linalg::GenericOp::create(
             builder, location, type, ValueRange{}, empty,
             builder.getMultiDimIdentityMap(type.getRank()), iterators,
             [&](OpBuilder &b, Location loc, ValueRange) {
               SmallVector<Value> indices;
               for (int64_t i = 0; i < type.getRank(); ++i)
                 indices.push_back(linalg::IndexOp::create(b, loc, i));
               linalg::YieldOp::create(b, loc, body(b, loc, indices));
             })
      .getResult(0);
}

SmallVector<Value> llmc::createLoops(OpBuilder &builder, Location location,
                                     ValueRange bounds, ValueRange initial,
                                     LoopBody body) {
  SmallVector<Value> zeros(bounds.size(), createIndex(builder, location, 0)),
      ones(bounds.size(), createIndex(builder, location, 1));
  scf::LoopNest nest = scf::buildLoopNest(
      builder, location, zeros, bounds, ones, initial,
      [&](OpBuilder &b, Location loc, ValueRange indices, ValueRange carried) {
        return scf::ValueVector(body(b, loc, indices, carried));
      });
  return SmallVector<Value>(nest.results);
}

Value llmc::createSafeExtract(OpBuilder &builder, Location location,
                              Value tensor, ValueRange position) {
  auto type = cast<RankedTensorType>(tensor.getType());
  Value filled;
  for (int64_t i = 0; i < type.getRank(); ++i) {
    if (type.getDimSize(i) > 0)
      continue;
    Value some =
        arith::CmpIOp::create(builder, location, arith::CmpIPredicate::ne,
                              createDim(builder, location, tensor, i),
                              createIndex(builder, location, 0));
    filled =
        filled ? arith::AndIOp::create(builder, location, filled, some) : some;
  }
  if (!filled)
    return tensor::ExtractOp::create(builder, location, tensor, position);
  auto branch = scf::IfOp::create(
      builder, location, filled,
      [&](OpBuilder &b, Location loc) {
        Value element = tensor::ExtractOp::create(b, loc, tensor, position);
        scf::YieldOp::create(b, loc, element);
      },
      [&](OpBuilder &b, Location loc) {
        scf::YieldOp::create(b, loc,
                             createScalar(b, loc, type.getElementType(), 0));
      });
  return branch.getResult(0);
}

void llmc::declareErrorReport(ModuleOp module) {
  if (module.lookupSymbol(reportSymbol))
    return;
  OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
  func::FuncOp::create(builder, module.getLoc(), reportSymbol,
                       builder.getFunctionType(builder.getI64Type(), {}))
      .setPrivate();
}

Type llmc::accumulatorType(Type type) {
  if (isa<FloatType>(type) && type.getIntOrFloatBitWidth() < 32)
    return Float32Type::get(type.getContext());
  return type;
}

void llmc::createMultiplyAdd(OpBuilder &builder, Location location,
                             ValueRange args) {
  constexpr arith::FastMathFlags fast =
      arith::FastMathFlags::reassoc | arith::FastMathFlags::contract;
  Value x = args[0], y = args[1], sum = args[2];
  Type type = sum.getType();
  Value result;
  if (isa<FloatType>(type)) {
    if (x.getType() != type)
      x = arith::ExtFOp::create(builder, location, type, x);
    if (y.getType() != type)
      y = arith::ExtFOp::create(builder, location, type, y);
    Value product = arith::MulFOp::create(builder, location, x, y, fast);
    result = arith::AddFOp::create(builder, location, sum, product, fast);
  } else {
    Value product = arith::MulIOp::create(builder, location, x, y);
    result = arith::AddIOp::create(builder, location, sum, product);
  }
  linalg::YieldOp::create(builder, location, result);
}

void llmc::createRuntimeCheck(OpBuilder &builder, Location location,
                              Value condition, RuntimeError code) {
  Value failed = arith::XOrIOp::create(
      builder, location, condition,
      createScalar(builder, location, builder.getI1Type(), 1));
  scf::IfOp::create(builder, location, failed, [&](OpBuilder &b, Location loc) {
    Value value = createScalar(b, loc, b.getI64Type(), double(int64_t(code)));
    func::CallOp::create(b, loc, reportSymbol, TypeRange{}, ValueRange{value});
    scf::YieldOp::create(b, loc);
  });
}

Value llmc::createCheckedIndex(OpBuilder &builder, Location location,
                               Value index, Value size) {
  Value zero = createIndex(builder, location, 0),
        one = createIndex(builder, location, 1);
  if (!index.getType().isIndex())
    index = arith::IndexCastOp::create(builder, location,
                                       builder.getIndexType(), index);
  Value negative = arith::CmpIOp::create(
      builder, location, arith::CmpIPredicate::slt, index, zero);
  Value wrapped = arith::SelectOp::create(
      builder, location, negative,
      arith::AddIOp::create(builder, location, index, size), index);
  Value inRange = arith::CmpIOp::create(
      builder, location, arith::CmpIPredicate::ult, wrapped, size);
  createRuntimeCheck(builder, location, inRange, RuntimeError::IndexOutOfRange);
  Value last = arith::MaxSIOp::create(
      builder, location, arith::SubIOp::create(builder, location, size, one),
      zero);
  return arith::MinSIOp::create(
      builder, location,
      arith::MaxSIOp::create(builder, location, wrapped, zero), last);
}
