//===- WeightQuantizer.cpp - weights that become integers -----------------===//

#include "WeightQuantizer.h"
#include "llmc/Weights/Blobs.h"
#include "llmc/Weights/Codebooks.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Remarks.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Support/Regex.h"
#include <cmath>

using namespace mlir;
using namespace llmc;

LogicalResult WeightQuantizer::verify(MLIRContext *context, StringRef pass,
                                      const Options &options) {
  // A block of a whole row fits every row.
  int64_t dims = options.codebooks ? options.codebooks->dims : 1;
  BlockFormat format{1, 1, options.block ? options.block / dims : 8,
                     options.grid.bits};
  if (llvm::Error error = format.verify())
    return emitError(UnknownLoc::get(context))
           << pass << ": " << llvm::toString(std::move(error));
  const GridOptions &grid = options.grid;
  auto fail = [&] {
    return emitError(UnknownLoc::get(context)) << pass << ": progressive ";
  };
  if (grid.progressive && !grid.symmetric)
    return fail() << "goes with symmetric, for zero points are not stored; "
                     "give that too";
  if (grid.progressive && grid.bits == 8)
    return fail() << "goes with bits from 2 to 7: 8 of them leave none for "
                     "scales; leave it out";
  if (grid.progressive && grid.halfScales)
    return fail() << "excludes half-scales: f16 holds its scales anyway; "
                     "leave half-scales out";
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
  auto add = [&](UsedWeight &weight, bool isPruned) {
    if (!weight.isAny(options.what) ||
        (!options.skip.empty() && skipped.match(weight.param.getSymName())))
      return;
    Task task;
    task.weight = std::move(weight);
    if (isPruned)
      task.pruned = task.weight.values.front().getDefiningOp();
    if (prepare(task))
      tasks.push_back(std::move(task));
  };
  for (UsedWeight &weight : collectUsedWeights(module))
    add(weight, /*isPruned=*/false);
  for (UsedWeight &weight : collectPrunedWeights(module))
    add(weight, /*isPruned=*/true);
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
  std::optional<FloatFormat> format = getFloatFormat(element);
  if (!format) {
    std::string name;
    llvm::raw_string_ostream(name) << element;
    return refuse("its elements are " + name);
  }
  task.grid = options.grid;
  task.grid.bits = getChosenBits(param, options.grid.bits);
  task.grid.format = *format;
  WeightSource &source = task.source;
  if (task.pruned && options.codebooks)
    return refuse("it is pruned; llmc-quantize-rtn and llmc-quantize-gptq "
                  "quantize what is stored of it");
  if (task.pruned) {
    source.format = *format;
    source.data = getParamBytes(param, task.copy).data();
    if (std::string reason = preparePruned(task); !reason.empty())
      return refuse(reason);
    return checkSizes(task);
  }
  source = *getWeightSource(task.weight, task.copy);
  // Whole bytes even where a row has an odd number of weights.
  int64_t unit = 8 * (options.codebooks ? options.codebooks->dims : 1);
  task.block =
      options.block ? options.block : llvm::alignTo(source.columns, unit);
  if (options.codebooks)
    if (std::string reason = prepareCodebooks(task); !reason.empty())
      return refuse(reason);
  return checkSizes(task);
}

/// Finds how many rows share a codebook. Says why they cannot.
std::string WeightQuantizer::prepareCodebooks(Task &task) {
  const WeightSource &source = task.source;
  task.codebooks = options.codebooks;
  int64_t bits = task.grid.bits;
  if (bits < 2 || bits > 8)
    return (bitsAttrName + " is " + Twine(bits) + "; 2 to 8 are defined").str();
  if (task.codebooks->constant && bits != options.grid.bits)
    return (bitsAttrName + " is " + Twine(bits) + ", and these values have " +
            Twine(options.grid.bits) + " bits")
        .str();
  task.codebooks->size = int64_t(1) << bits;
  // Nothing is saved by 16 bits in another format.
  if (source.format != FloatFormat::F32)
    task.codebooks->format = source.format;
  int64_t &rows = task.codebooks->rows;
  if (rows == 0)
    rows = source.rows;
  if (rows == 0 || source.rows % rows != 0)
    return ("its " + Twine(source.rows) + " rows are not whole groups of " +
            Twine(rows) + ", which share a codebook")
        .str();
  if (source.columns % task.codebooks->dims != 0)
    return ("its rows of " + Twine(source.columns) +
            " weights are not whole vectors of " + Twine(task.codebooks->dims))
        .str();
  return {};
}

/// What is stored of a weight in this format.
int64_t WeightQuantizer::getBytes(const Task &task, const BlockFormat &format) {
  int64_t scales = format.getScalesBytes(task.source.format);
  if (task.grid.exponents || task.grid.progressive)
    scales = format.rows * format.getNumBlocks();
  if (task.grid.progressive)
    scales += format.rows * getFloatBytes(task.source.format);
  if (!task.codebooks)
    return format.getDataBytes() + scales +
           (task.grid.symmetric    ? 0
            : task.grid.floatZeros ? scales
                                   : format.getZerosBytes());
  const Codebooks &codebooks = *task.codebooks;
  return format.getDataBytes() + (codebooks.scaled ? scales : 0) +
         (codebooks.constant
              ? 0
              : format.rows / codebooks.rows * codebooks.size * codebooks.dims *
                    getFloatBytes(codebooks.format));
}

/// Makes rows and blocks of the values that are stored. Says why it cannot.
std::string WeightQuantizer::preparePruned(Task &task) {
  WeightSource &source = task.source;
  RankedTensorType values = task.weight.param.getType();
  if (auto densify = dyn_cast<DensifyOp>(task.pruned)) {
    auto [n, m] = densify.getNM();
    int64_t columns = densify.getType().getDimSize(1),
            block = options.block ? options.block : columns;
    if (columns % block != 0 || block % m != 0)
      return ("blocks of " + Twine(block) + " are not whole groups of " +
              Twine(m) + ", or its rows of " + Twine(columns) +
              " not whole blocks")
          .str();
    source.rows = values.getDimSize(0);
    source.columns = values.getDimSize(1);
    task.block = block / m * n;
    // One integer stands for all weights that are 0.
    if (options.grid.floatZeros)
      return "it is pruned in groups, whose integers have no zero points; "
             "llmc-quantize-rtn quantizes what is stored of it";
    task.grid.symmetric = true;
    return {};
  }
  // Blocks of whatever values follow each other, the last one padded.
  if (options.block == 0)
    return "the values that are stored of it have no rows, which block=0 asks "
           "for";
  if (options.grid.progressive)
    return "the values that are stored of it have no rows, which progressive "
           "asks for";
  int64_t count = values.getNumElements(), size = getFloatBytes(source.format);
  source.columns = task.block = options.block;
  source.rows = llvm::divideCeil(count, options.block);
  SmallVector<char, 0> padded(source.rows * source.columns * size, 0);
  std::memcpy(padded.data(), source.data, count * size);
  task.copy = std::move(padded);
  source.data = task.copy.data();
  return {};
}

/// Whether the weight can be stored in its blocks, and gets smaller so. Says
/// why not.
bool WeightQuantizer::checkSizes(Task &task) {
  ParamOp param = task.weight.param;
  // One scale of a row, or integers of 8 bits, leave nothing to multiply.
  task.grid.progressive &=
      task.block < task.source.columns && task.grid.bits < 8;
  auto refuse = [&](const Twine &reason) {
    keep(param, reason);
    return false;
  };
  WeightSource &source = task.source;
  int64_t dims = task.codebooks ? task.codebooks->dims : 1;
  BlockFormat sizes{source.rows, source.columns / dims, task.block / dims,
                    task.grid.bits};
  if (llvm::Error error = sizes.verify())
    return refuse(llvm::toString(std::move(error)));
  int64_t before = storageBytes(task.pruned ? task.pruned->getOperand(0)
                                            : task.weight.values.front());
  int64_t after = getBytes(task, sizes);
  if (after >= before)
    return refuse("it has " + Twine(before) + " bytes and would have " +
                  Twine(after));
  if (source.columns % task.block == 0 || (task.codebooks && !options.block))
    return true;
  complain(param) << "'" << param.getSymName() << "': rows of "
                  << source.columns << " weights are padded to "
                  << sizes.getNumBlocks() * task.block << ", whole blocks of "
                  << task.block;
  return !options.strict;
}

Statistics::Input WeightQuantizer::getStatistics(Task &task) {
  Statistics &statistics = Statistics::of(module.getContext());
  StringRef name = task.getName();
  Statistics::Input input = statistics.lookup(name);
  // Those of before it was pruned have the name that it had then.
  if (!input && task.pruned && name.consume_back(".values"))
    input = statistics.lookup(name);
  int64_t columns = cast<RankedTensorType>(task.weight.values.front().getType())
                        .getDimSize(1);
  if (!input)
    keep(task.weight.param,
         "no statistics of its input; run llmc-calibrate first");
  else if (input->columns != columns)
    keep(task.weight.param, "its rows have " + Twine(columns) +
                                " weights and the statistics of its input " +
                                Twine(input->columns) +
                                " columns; run llmc-calibrate again");
  else
    return input;
  return nullptr;
}

/// The weight over loads of its integers, scales and zero points.
Value WeightQuantizer::createWeight(Task &task, const BlockFormat &format,
                                    ArrayRef<Value> values, OpBuilder &builder,
                                    Location location) {
  auto reload = [&](Value operand) -> Value {
    auto load = operand.getDefiningOp<WeightOp>();
    return WeightOp::create(builder, location, load.getType(), load.getParam());
  };
  auto dequantize = [&](Value data, int64_t block, int64_t columns) -> Value {
    return DequantizeOp::create(builder, location, data, values[1], values[2],
                                format.bits, block, columns);
  };
  if (auto densify = dyn_cast_or_null<DensifyOp>(task.pruned)) {
    auto [n, m] = densify.getNM();
    Value data = DensifyOp::create(
        builder, location, values[0], reload(densify.getMeta()),
        densify.getPatternAttr(), builder.getI64IntegerAttr(format.bits),
        IntegerAttr());
    return dequantize(data, format.block / n * m,
                      densify.getType().getDimSize(1));
  }
  Value weight = dequantize(values[0], format.block, format.columns);
  if (auto bitmap = dyn_cast_or_null<DensifyBitmapOp>(task.pruned))
    weight = DensifyBitmapOp::create(
        builder, location, weight, reload(bitmap.getMask()),
        reload(bitmap.getStarts()), bitmap.getColumnsAttr(),
        bitmap.getTileAttr());
  return weight;
}

/// Published values as part of the program.
static Value createTable(OpBuilder &builder, Location location,
                         ArrayRef<float> values, Type element) {
  SmallVector<APFloat> numbers;
  for (float value : values) {
    APFloat number(value);
    bool losesInfo;
    number.convert(cast<FloatType>(element).getFloatSemantics(),
                   APFloat::rmNearestTiesToEven, &losesInfo);
    numbers.push_back(number);
  }
  auto type = RankedTensorType::get({int64_t(numbers.size())}, element);
  return ConstantOp::create(builder, location,
                            DenseElementsAttr::get(type, numbers));
}

/// The weight over loads of its indices, and of what they stand for.
Value WeightQuantizer::createLookup(Task &task, const QuantizedWeight &result,
                                    Value indices, Value scales,
                                    ParamOp codebook, OpBuilder &builder,
                                    Location location) {
  Type element = task.weight.param.getType().getElementType();
  const Codebooks &codebooks = *result.codebooks;
  Value values;
  if (codebook) {
    values = WeightOp::create(builder, location, codebook.getType(),
                              codebook.getSymName());
    if (codebook.getType().getElementType() != element)
      values = CastOp::create(builder, location, values, element);
  } else {
    values = createTable(builder, location, codebooks.values, element);
  }
  return LookupOp::create(builder, location, indices, values, scales,
                          result.format.bits,
                          result.format.block * codebooks.dims,
                          result.format.columns * codebooks.dims);
}

Value WeightQuantizer::rewrite(Task &task, QuantizedWeight &result) {
  const BlockFormat &format = result.format;
  ParamOp param = task.weight.param;
  OpBuilder builder(param);
  StringRef base = param.getSymName();
  if (task.pruned)
    base.consume_back(".values");
  auto addParam = [&](StringRef suffix, ArrayRef<int64_t> shape, Type element,
                      AsmResourceBlob blob) {
    std::string name = (base + suffix).str();
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
               std::move(result.data))};
  Type element = param.getType().getElementType();
  ParamOp units;
  if (result.units) {
    params.push_back(addParam(".scales.q", {format.rows, blocks}, byte,
                              std::move(*result.scales)));
    units = addParam(".scales.rows", {format.rows, 1}, element,
                     std::move(*result.units));
  } else if (result.scales && result.exponents) {
    params.push_back(addParam(".scales", {format.rows, 1, blocks}, byte,
                              std::move(*result.scales)));
  } else if (result.scales) {
    params.push_back(addParam(".scales", {format.rows, blocks}, element,
                              std::move(*result.scales)));
  }
  ParamOp codebook;
  if (result.codebooks && !result.codebooks->constant) {
    const Codebooks &books = *result.codebooks;
    SmallVector<int64_t> shape{format.rows / books.rows, books.size};
    if (books.dims > 1)
      shape.push_back(books.dims);
    AsmResourceBlob blob = HeapAsmResourceBlob::allocate(
        books.values.size() * getFloatBytes(books.format), /*align=*/64,
        /*dataIsMutable=*/true);
    for (auto [i, value] : llvm::enumerate(books.values))
      storeFloat(blob.getMutableData().data(), books.format, i, value);
    codebook = addParam(".codebook", shape,
                        getFloatType(books.format, builder.getContext()),
                        std::move(blob));
  }
  if (result.zeros && result.floatZeros)
    params.push_back(addParam(".zeros", {format.rows, blocks}, element,
                              std::move(*result.zeros)));
  else if (result.zeros)
    params.push_back(addParam(".zeros",
                              {format.rows, format.getZerosRowBytes()}, byte,
                              std::move(*result.zeros)));
  llvm::SetVector<Operation *> loads;
  if (task.pruned)
    for (Value value : task.weight.values)
      loads.insert_range(llvm::map_range(
          value.getDefiningOp()->getOperands(),
          [](Value operand) { return operand.getDefiningOp(); }));
  Value last;
  replaceWeight(task.weight, [&](OpBuilder &builder, Location location) {
    SmallVector<Value, 3> values;
    auto load = [&](ParamOp added) -> Value {
      return WeightOp::create(builder, location, added.getType(),
                              added.getSymName());
    };
    for (ParamOp added : params)
      values.push_back(load(added));
    values.resize(3);
    if (units)
      values[1] = MulOp::create(
          builder, location,
          CastOp::create(builder, location, values[1], element), load(units));
    // A lookup, too, of the powers of two.
    if (result.exponents)
      values[1] = LookupOp::create(
          builder, location, values[1],
          createTable(builder, location, makeExponentTable(), element), Value(),
          /*bits=*/8, /*block=*/blocks, /*columns=*/blocks);
    if (result.codebooks)
      return last = createLookup(task, result, values[0], values[1], codebook,
                                 builder, location);
    return last = createWeight(task, format, values, builder, location);
  });
  for (Operation *load : loads)
    if (load->use_empty())
      load->erase();
  return last;
}

void WeightQuantizer::replaceAll(
    MutableArrayRef<Task> tasks,
    llvm::function_ref<std::optional<BlockwiseWeight>(Task &)> describe) {
  // Threads have enough to do, and the old bytes go before many are read.
  constexpr int64_t bytesAtOnce = int64_t(32) << 20;
  while (!tasks.empty()) {
    SmallVector<Task *> quantized;
    std::vector<BlockwiseWeight> weights;
    int64_t bytes = 0;
    while (!tasks.empty() && bytes < bytesAtOnce) {
      Task &task = tasks.consume_front();
      std::optional<BlockwiseWeight> weight = describe(task);
      if (!weight)
        continue;
      quantized.push_back(&task);
      weights.push_back(std::move(*weight));
      bytes += task.source.rows * task.source.columns *
               getFloatBytes(task.source.format);
    }
    std::vector<QuantizedWeight> results =
        quantizeBlocks(weights, module.getContext());
    for (auto [task, result] : llvm::zip_equal(quantized, results))
      replace(*task, std::move(result));
  }
}

void WeightQuantizer::replace(Task &task, QuantizedWeight result) {
  ParamOp param = task.weight.param;
  if (!result.finite)
    return keep(param, "it holds values that are not finite");
  const BlockFormat &format = result.format;
  int64_t before = storageBytes(task.weight.values.front());
  int64_t after = storageBytes(rewrite(task, result));

  ++numWeights;
  bytesBefore += before;
  bytesAfter += after;
  auto getRelative = [](double error, double norm) {
    return norm > 0 ? std::sqrt(error / norm) : 0.0;
  };
  using mlir::remark::metric;
  auto remark = mlir::remark::passed(
      param.getLoc(),
      mlir::remark::RemarkOpts::name(pass).category(compressRemarks));
  int64_t dims = result.codebooks ? result.codebooks->dims : 1;
  remark << metric("param", param.getSymName()) << metric("bits", format.bits)
         << metric("block", format.block * dims)
         << metric("weights", format.rows * format.columns * dims)
         << metric("bytes_before", before) << metric("bytes_after", after)
         << metric("largest_error", result.largestError)
         << metric("relative_error",
                   getRelative(result.squaredError, result.squaredNorm));
  if (result.codebooks)
    remark << metric("rows", result.codebooks->rows) << metric("dims", dims);
  if (result.outputError >= 0)
    remark << metric("output_error",
                     getRelative(result.outputError, result.outputNorm));
  symbols.remove(param);
  eraseParam(param);
}
