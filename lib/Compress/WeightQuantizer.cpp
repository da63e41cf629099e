//===- WeightQuantizer.cpp - weights that become integers -----------------===//

#include "WeightQuantizer.h"
#include "llmc/Weights/Blobs.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Remarks.h"
#include "llvm/Support/Regex.h"
#include <cmath>

using namespace mlir;
using namespace llmc;

LogicalResult WeightQuantizer::verify(MLIRContext *context, StringRef pass,
                                      const Options &options) {
  // A block of a whole row fits every row.
  BlockFormat format{1, 1, options.block ? options.block : 8,
                     options.grid.bits};
  if (llvm::Error error = format.verify())
    return emitError(UnknownLoc::get(context))
           << pass << ": " << llvm::toString(std::move(error));
  return verifySkip(context, pass, options.skip);
}

InFlightDiagnostic WeightQuantizer::complain(Operation *op) {
  failed |= options.strict;
  return options.strict ? op->emitError() : op->emitRemark();
}

void WeightQuantizer::keep(ParamOp param, const Twine &reason) {
  ++numSkipped;
  complain(param) << "'" << param.getSymName()
                  << "' is not quantized: " << reason;
}

std::vector<WeightQuantizer::Task> WeightQuantizer::collectTasks() {
  findComputedWeights(module, options.what,
                      [&](Operation *op, Value, const Twine &description) {
                        ++numSkipped;
                        complain(op) << "'" << op->getName()
                                     << "' op is not quantized: its weight is "
                                     << description;
                      });
  std::vector<Task> tasks;
  llvm::Regex skipped(options.skip);
  for (UsedWeight &weight : collectUsedWeights(module)) {
    if (!weight.isAny(options.what) ||
        (!options.skip.empty() && skipped.match(weight.param.getSymName())))
      continue;
    Task task;
    task.weight = std::move(weight);
    if (prepare(task))
      tasks.push_back(std::move(task));
  }
  return tasks;
}

bool WeightQuantizer::prepare(Task &task) {
  ParamOp param = task.weight.param;
  auto refuse = [&](const Twine &reason) {
    keep(param, reason);
    return false;
  };
  if (std::string reason = task.weight.getObstacle(options.what, "quantize");
      !reason.empty())
    return refuse(reason);
  Type element = param.getType().getElementType();
  std::optional<WeightSource> found = getWeightSource(task.weight, task.copy);
  if (!found) {
    std::string name;
    llvm::raw_string_ostream(name) << element;
    return refuse("its elements are " + name);
  }
  const WeightSource &source = task.source = *found;
  task.grid = options.grid;
  task.grid.format = source.format;

  // Whole bytes even where a row has an odd number of weights.
  task.block = options.block ? options.block : llvm::alignTo(source.columns, 8);
  BlockFormat sizes{source.rows, source.columns, task.block, task.grid.bits};
  if (llvm::Error error = sizes.verify())
    return refuse(llvm::toString(std::move(error)));
  int64_t before = storageBytes(task.weight.values.front());
  int64_t after = sizes.getDataBytes() + sizes.getScalesBytes(source.format) +
                  (task.grid.symmetric ? 0 : sizes.getZerosBytes());
  if (after >= before)
    return refuse("it has " + Twine(before) + " bytes and would have " +
                  Twine(after));
  if (source.columns % task.block == 0)
    return true;
  complain(param) << "'" << param.getSymName() << "': rows of "
                  << source.columns << " weights are padded to "
                  << sizes.getNumBlocks() * sizes.block << ", whole blocks of "
                  << sizes.block;
  return !options.strict;
}

Statistics::Input WeightQuantizer::getStatistics(Task &task) {
  Statistics::Input input =
      Statistics::of(module.getContext()).lookup(task.getName());
  if (!input)
    keep(task.weight.param,
         "no statistics of its input; run llmc-calibrate first");
  else if (input->columns != task.source.columns)
    keep(task.weight.param, "its rows have " + Twine(task.source.columns) +
                                " weights and the statistics of its input " +
                                Twine(input->columns) +
                                " columns; run llmc-calibrate again");
  else
    return input;
  return nullptr;
}

Value WeightQuantizer::rewrite(Task &task, QuantizedWeight &result) {
  const BlockFormat &format = result.format;
  ParamOp param = task.weight.param;
  OpBuilder builder(param);
  auto addParam = [&](StringRef suffix, ArrayRef<int64_t> shape, Type element,
                      AsmResourceBlob blob) {
    std::string name = (param.getSymName() + suffix).str();
    auto value = makeResource(RankedTensorType::get(shape, element), name,
                              std::move(blob));
    auto added = ParamOp::create(builder, param.getLoc(), name, value,
                                 param.getSymVisibilityAttr());
    symbols.insert(added, Block::iterator(param));
    return added;
  };
  int64_t blocks = format.getNumBlocks();
  Type byte = builder.getIntegerType(8, /*isSigned=*/false);
  SmallVector<ParamOp, 3> params{
      addParam(".q", {format.rows, blocks, format.getBlockBytes()}, byte,
               std::move(result.data)),
      addParam(".scales", {format.rows, blocks},
               param.getType().getElementType(), std::move(result.scales))};
  if (result.zeros)
    params.push_back(addParam(".zeros",
                              {format.rows, format.getZerosRowBytes()}, byte,
                              std::move(*result.zeros)));
  Value last;
  replaceWeight(task.weight, [&](OpBuilder &builder, Location location) {
    SmallVector<Value, 3> values;
    for (ParamOp added : params)
      values.push_back(WeightOp::create(builder, location, added.getType(),
                                        added.getSymName()));
    values.resize(3);
    return last = DequantizeOp::create(builder, location, values[0], values[1],
                                       values[2], format.bits, format.block,
                                       format.columns);
  });
  return last;
}

void WeightQuantizer::replace(Task &task, QuantizedWeight result) {
  ParamOp param = task.weight.param;
  if (!result.finite)
    return keep(param, "it holds values that are not finite");
  const BlockFormat &format = result.format;
  int64_t before = storageBytes(task.weight.values.front());
  int64_t after = storageBytes(rewrite(task, result));

  double relative = result.largestMagnitude > 0
                        ? result.largestError / result.largestMagnitude
                        : 0;
  ++numWeights;
  bytesBefore += before;
  bytesAfter += after;
  largestError = std::max(largestError, int64_t(relative * 1e6 + 0.5));
  auto getRelative = [](double error, double norm) {
    return norm > 0 ? std::sqrt(error / norm) : 0.0;
  };
  using mlir::remark::metric;
  auto remark = mlir::remark::passed(
      param.getLoc(),
      mlir::remark::RemarkOpts::name(pass).category(compressRemarks));
  remark << metric("param", param.getSymName()) << metric("bits", format.bits)
         << metric("block", format.block)
         << metric("weights", format.rows * format.columns)
         << metric("bytes_before", before) << metric("bytes_after", after)
         << metric("largest_error", result.largestError)
         << metric("relative_error",
                   getRelative(result.squaredError, result.squaredNorm));
  if (result.outputError >= 0)
    remark << metric("output_error",
                     getRelative(result.outputError, result.outputNorm));
  symbols.remove(param);
  eraseParam(param);
}
