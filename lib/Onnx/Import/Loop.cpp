//===- Loop.cpp - builders of Loop and Scan -------------------------------===//
//
// Both become scf.while, whose state are tensors: the carried values and, for
// each output that collects one value per iteration, what has been collected so
// far. Scan is no scf.for because the canonicalization of that gives iteration
// arguments the static types of their initial values, and what is collected
// grows.
//
// The types of carried values must be the same in each iteration. The body is
// imported with the types of the initial values first. Where it yields others,
// it is imported again with the dimensions that differ dynamic: types decide
// what builders emit, so they cannot be changed afterwards.
//
//===----------------------------------------------------------------------===//

#include "../Proto.h"
#include "Control.h"
#include "GraphImporter.h"
#include "OpTable.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/ScopeExit.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::onnx_detail;

namespace {
/// The body of a loop while its types are being found. It lives in the region
/// of an op that is erased in the end.
struct BodyDraft {
  scf::ExecuteRegionOp holder;
  Block *block = nullptr;
  SmallVector<Value> outputs;

  void erase() {
    if (holder)
      holder.erase();
    holder = {};
  }
};

/// A loop node: its body's first arguments are its own (the iteration, slices
/// of scanned inputs), then come the carried values; its outputs are in the
/// order leading ones, carried ones, collected ones.
struct LoopBuilder {
  OnnxNode &node;
  ::onnx::GraphProto *graph;
  /// Types of arguments before and after the carried ones in the body.
  SmallVector<Type> leading, trailing;
  SmallVector<Value> initial;
  int64_t leadingOutputs;
  SmallVector<RankedTensorType> types;

  LogicalResult draftBody(BodyDraft &draft);
  LogicalResult importBody(BodyDraft &draft);
  unsigned numCollected() const {
    return graph->output_size() - leadingOutputs - initial.size();
  }
  ArrayRef<Value> carriedOutputs(const BodyDraft &draft) const {
    return ArrayRef(draft.outputs).slice(leadingOutputs, initial.size());
  }
  ArrayRef<Value> collectedOutputs(const BodyDraft &draft) const {
    return ArrayRef(draft.outputs).take_back(numCollected());
  }
};
} // namespace

/// Imports the body once with arguments of the current types.
LogicalResult LoopBuilder::draftBody(BodyDraft &draft) {
  OpBuilder &builder = node.getBuilder();
  draft.holder =
      scf::ExecuteRegionOp::create(builder, node.getLoc(), TypeRange());
  OpBuilder::InsertionGuard guard(builder);
  SmallVector<Type> arguments = leading;
  llvm::append_range(arguments, types);
  llvm::append_range(arguments, trailing);
  draft.block = builder.createBlock(
      &draft.holder.getRegion(), {}, arguments,
      SmallVector<Location>(arguments.size(), node.getLoc()));
  draft.outputs.clear();
  return node.getImporter().importSubgraph(*graph, draft.block->getArguments(),
                                           draft.outputs);
}

LogicalResult LoopBuilder::importBody(BodyDraft &draft) {
  if (graph->input_size() !=
      int64_t(leading.size() + types.size() + trailing.size()))
    return node.fail("the body has " + Twine(graph->input_size()) +
                     " inputs, the node gives it " +
                     Twine(leading.size() + types.size() + trailing.size()));
  if (graph->output_size() < leadingOutputs + int64_t(initial.size()))
    return node.fail("the body has too few outputs");
  while (true) {
    if (failed(draftBody(draft)))
      return failure();
    bool stable = true;
    for (auto [index, value] : llvm::enumerate(carriedOutputs(draft))) {
      RankedTensorType type = joinTypes(types[index], value.getType());
      if (!type)
        return node.fail("carried value " + Twine(index) +
                         " changes its rank or element type");
      stable &= type == types[index];
      types[index] = type;
    }
    if (stable)
      return success();
    draft.erase();
  }
}

/// The type of one collected value per iteration.
static RankedTensorType collectedType(RankedTensorType type) {
  SmallVector<int64_t> shape{ShapedType::kDynamic};
  llvm::append_range(shape, type.getShape());
  return RankedTensorType::get(shape, type.getElementType());
}

/// Nothing collected yet; sizes that are not known yet are 0.
static Value createNothing(OnnxNode &node, RankedTensorType type) {
  OpBuilder &builder = node.getBuilder();
  SmallVector<Value> sizes(
      type.getNumDynamicDims(),
      arith::ConstantIndexOp::create(builder, node.getLoc(), 0));
  return tensor::EmptyOp::create(builder, node.getLoc(), type, sizes);
}

/// `all` with `value` appended, or, with `atFront`, put before it. In the
/// first iteration `all` does not know the other sizes yet.
static Value collect(OnnxNode &node, Value isFirst, Value all, Value value,
                     bool atFront) {
  OpBuilder &builder = node.getBuilder();
  auto type = cast<RankedTensorType>(all.getType());
  Value row = node.unsqueeze(value, {0});
  if (node.hasFailed())
    return {};
  auto choice = scf::IfOp::create(builder, node.getLoc(), type, isFirst,
                                  /*addThenBlock=*/true, /*addElseBlock=*/true);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToEnd(choice.thenBlock());
  scf::YieldOp::create(builder, node.getLoc(), node.refine(row, type));
  builder.setInsertionPointToEnd(choice.elseBlock());
  Value longer =
      atFront ? node.concat({row, all}, 0) : node.concat({all, row}, 0);
  if (node.hasFailed())
    return {};
  scf::YieldOp::create(builder, node.getLoc(), node.refine(longer, type));
  return choice.getResult(0);
}

/// A scalar out of a tensor of one element.
static Value extractScalar(OnnxNode &node, Value tensor) {
  if (node.rank(tensor) != 0)
    tensor = node.create<ReshapeOp>(tensor, node.ints({}), false);
  if (node.hasFailed())
    return {};
  return tensor::ExtractOp::create(node.getBuilder(), node.getLoc(), tensor);
}

static Value makeTensor(OnnxNode &node, Value scalar) {
  return tensor::FromElementsOp::create(
      node.getBuilder(), node.getLoc(),
      RankedTensorType::get({}, scalar.getType()), scalar);
}

static SmallVector<Location> locations(OnnxNode &node, size_t count) {
  return SmallVector<Location>(count, node.getLoc());
}

static LogicalResult importLoop(OnnxNode &node) {
  OpBuilder &builder = node.getBuilder();
  Location loc = node.getLoc();
  Type i64 = builder.getI64Type(), i1 = builder.getI1Type();
  LoopBuilder loop{node, node.graphAttr("body"), {}, {}, {}, 1, {}};
  if (node.hasFailed())
    return failure();
  loop.leading = {RankedTensorType::get({}, i64),
                  RankedTensorType::get({}, i1)};
  for (unsigned i = 2; i < node.getNumInputs(); ++i) {
    if (!node.hasInput(i))
      return node.fail("input " + Twine(i) + " is missing");
    loop.initial.push_back(node.input(i));
    loop.types.push_back(node.type(node.input(i)));
  }
  BodyDraft draft;
  auto cleanup = llvm::scope_exit([&] { draft.erase(); });
  if (failed(loop.importBody(draft)))
    return failure();
  if (node.elementType(draft.outputs[0]) != i1)
    return node.fail("the body's condition is not a bool");

  // State of the loop: iteration, condition, carried values, collected ones.
  Value limit = node.hasInput(0) ? extractScalar(node, node.input(0)) : Value(),
        start = arith::ConstantIntOp::create(builder, loc, i64, 0),
        condition =
            node.hasInput(1)
                ? extractScalar(node, node.input(1))
                : arith::ConstantIntOp::create(builder, loc, i1, 1).getResult();
  if (node.hasFailed())
    return failure();
  SmallVector<Value> state{start, condition};
  SmallVector<Type> stateTypes{i64, i1};
  for (auto [value, type] : llvm::zip(loop.initial, loop.types)) {
    state.push_back(node.refine(value, type));
    stateTypes.push_back(type);
  }
  for (Value value : loop.collectedOutputs(draft)) {
    RankedTensorType type = collectedType(node.type(value));
    state.push_back(createNothing(node, type));
    stateTypes.push_back(type);
  }

  auto whileOp = scf::WhileOp::create(builder, loc, stateTypes, state);
  OpBuilder::InsertionGuard guard(builder);
  Block *test = builder.createBlock(&whileOp.getBefore(), {}, stateTypes,
                                    locations(node, stateTypes.size()));
  Value proceeds = test->getArgument(1);
  if (limit) {
    Value below = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt,
                                        test->getArgument(0), limit);
    proceeds = arith::AndIOp::create(builder, loc, proceeds, below);
  }
  scf::ConditionOp::create(builder, loc, proceeds, test->getArguments());

  Block *body = builder.createBlock(&whileOp.getAfter(), {}, stateTypes,
                                    locations(node, stateTypes.size()));
  Value iteration = body->getArgument(0);
  SmallVector<Value> arguments{makeTensor(node, iteration),
                               makeTensor(node, body->getArgument(1))};
  llvm::append_range(arguments,
                     body->getArguments().slice(2, loop.initial.size()));
  SmallVector<Value> outputs = draft.outputs;
  for (auto [index, value] : llvm::enumerate(outputs))
    if (auto argument = dyn_cast<BlockArgument>(value);
        argument && argument.getOwner() == draft.block)
      outputs[index] = arguments[argument.getArgNumber()];
  for (auto [from, to] : llvm::zip(draft.block->getArguments(), arguments))
    from.replaceAllUsesWith(to);
  body->getOperations().splice(body->end(), draft.block->getOperations());
  builder.setInsertionPointToEnd(body);

  Value one = arith::ConstantIntOp::create(builder, loc, i64, 1);
  Value next = arith::AddIOp::create(builder, loc, iteration, one);
  SmallVector<Value> yielded{next, extractScalar(node, outputs[0])};
  size_t carried = loop.initial.size();
  for (size_t i = 0; i < carried; ++i)
    yielded.push_back(node.refine(outputs[i + 1], loop.types[i]));
  Value isFirst =
      arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, iteration,
                            arith::ConstantIntOp::create(builder, loc, i64, 0));
  for (size_t i = 0; i < loop.numCollected(); ++i)
    yielded.push_back(collect(node, isFirst, body->getArgument(2 + carried + i),
                              outputs[1 + carried + i], /*atFront=*/false));
  if (node.hasFailed())
    return failure();
  scf::YieldOp::create(builder, loc, yielded);
  for (auto [index, value] :
       llvm::enumerate(whileOp.getResults().drop_front(2)))
    if (node.wantsOutput(index))
      node.setOutput(index, value);
  return success();
}

//===----------------------------------------------------------------------===//
// Scan
//===----------------------------------------------------------------------===//

static LogicalResult importScan(OnnxNode &node) {
  OpBuilder &builder = node.getBuilder();
  Location loc = node.getLoc();
  Type i64 = builder.getI64Type();
  int64_t scanned = node.requiredInt("num_scan_inputs");
  LoopBuilder loop{node, node.graphAttr("body"), {}, {}, {}, 0, {}};
  if (node.hasFailed())
    return failure();
  int64_t carried =
      int64_t(node.getNumInputs()) - std::max<int64_t>(scanned, 0);
  if (scanned < 1 || carried < 0)
    return node.fail("num_scan_inputs is " + Twine(scanned) + " of " +
                     Twine(node.getNumInputs()) + " inputs");
  auto readList = [&](StringRef name, int64_t count) {
    SmallVector<int64_t> values = node.intsAttr(name);
    values.resize(std::max<int64_t>(count, values.size()), 0);
    if (int64_t(values.size()) != count && !node.hasFailed())
      (void)node.fail(name + " has too many elements");
    return values;
  };
  SmallVector<int64_t> axes = readList("scan_input_axes", scanned),
                       directions = readList("scan_input_directions", scanned);
  SmallVector<Value> sources;
  for (int64_t i = 0; i < carried + scanned; ++i) {
    Value value = node.input(i);
    if (!value)
      return node.fail("input " + Twine(i) + " is missing");
    if (i < carried) {
      loop.initial.push_back(value);
      loop.types.push_back(node.type(value));
      continue;
    }
    int64_t &axis = axes[i - carried];
    axis = node.normalizeAxis(axis, node.rank(value));
    if (node.hasFailed())
      return failure();
    sources.push_back(value);
    SmallVector<int64_t> slice(node.type(value).getShape());
    slice.erase(slice.begin() + axis);
    loop.trailing.push_back(
        RankedTensorType::get(slice, node.elementType(value)));
  }
  BodyDraft draft;
  auto cleanup = llvm::scope_exit([&] { draft.erase(); });
  if (failed(loop.importBody(draft)))
    return failure();
  SmallVector<int64_t> outputAxes =
                           readList("scan_output_axes", loop.numCollected()),
                       outputDirections = readList("scan_output_directions",
                                                   loop.numCollected());

  Value length = extractScalar(node, node.dimOf(sources[0], axes[0]));
  if (node.hasFailed())
    return failure();
  Value zero = arith::ConstantIntOp::create(builder, loc, i64, 0),
        one = arith::ConstantIntOp::create(builder, loc, i64, 1);
  SmallVector<Value> state{zero};
  SmallVector<Type> stateTypes{i64};
  for (auto [value, type] : llvm::zip(loop.initial, loop.types)) {
    state.push_back(node.refine(value, type));
    stateTypes.push_back(type);
  }
  for (Value value : loop.collectedOutputs(draft)) {
    stateTypes.push_back(collectedType(node.type(value)));
    state.push_back(
        createNothing(node, cast<RankedTensorType>(stateTypes.back())));
  }
  if (node.hasFailed())
    return failure();

  auto whileOp = scf::WhileOp::create(builder, loc, stateTypes, state);
  OpBuilder::InsertionGuard guard(builder);
  Block *test = builder.createBlock(&whileOp.getBefore(), {}, stateTypes,
                                    locations(node, stateTypes.size()));
  Value below = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt,
                                      test->getArgument(0), length);
  scf::ConditionOp::create(builder, loc, below, test->getArguments());
  Block *body = builder.createBlock(&whileOp.getAfter(), {}, stateTypes,
                                    locations(node, stateTypes.size()));
  Value iteration = body->getArgument(0);
  SmallVector<Value> arguments(body->getArguments().slice(1, carried));
  for (auto [index, source] : llvm::enumerate(sources)) {
    Value position = iteration;
    if (directions[index]) {
      position = arith::SubIOp::create(builder, loc, length, iteration);
      position = arith::SubIOp::create(builder, loc, position, one);
    }
    Value slice =
        node.create<GatherOp>(source, makeTensor(node, position), axes[index]);
    if (node.hasFailed())
      return failure();
    arguments.push_back(slice);
  }
  SmallVector<Value> outputs = draft.outputs;
  for (auto [index, value] : llvm::enumerate(outputs))
    if (auto argument = dyn_cast<BlockArgument>(value);
        argument && argument.getOwner() == draft.block)
      outputs[index] = arguments[argument.getArgNumber()];
  for (auto [from, to] : llvm::zip(draft.block->getArguments(), arguments))
    from.replaceAllUsesWith(to);
  body->getOperations().splice(body->end(), draft.block->getOperations());
  builder.setInsertionPointToEnd(body);

  SmallVector<Value> yielded{
      arith::AddIOp::create(builder, loc, iteration, one)};
  for (int64_t i = 0; i < carried; ++i)
    yielded.push_back(node.refine(outputs[i], loop.types[i]));
  Value isFirst = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq,
                                        iteration, zero);
  for (unsigned i = 0; i < loop.numCollected(); ++i)
    yielded.push_back(collect(node, isFirst, body->getArgument(1 + carried + i),
                              outputs[carried + i], outputDirections[i] != 0));
  if (node.hasFailed())
    return failure();
  scf::YieldOp::create(builder, loc, yielded);

  builder.setInsertionPointAfter(whileOp);
  for (auto [index, value] :
       llvm::enumerate(whileOp.getResults().drop_front())) {
    Value output = value;
    int64_t collectedIndex = int64_t(index) - carried;
    if (collectedIndex >= 0) {
      // Collected along dimension 0, asked for along another.
      int64_t rank = node.rank(output);
      int64_t axis = node.normalizeAxis(outputAxes[collectedIndex], rank);
      if (node.hasFailed())
        return failure();
      SmallVector<int64_t> perm = llvm::to_vector(llvm::seq<int64_t>(1, rank));
      perm.insert(perm.begin() + axis, 0);
      if (axis != 0)
        output = node.transpose(output, perm);
    }
    if (node.wantsOutput(index))
      node.setOutput(index, output);
  }
  return success(!node.hasFailed());
}

void onnx_detail::registerLoopBuilders(OpTable &table) {
  table.add("Loop", 1, {0, variadic}, importLoop);
  table.add("Scan", 9, {1, variadic}, importScan);
}
