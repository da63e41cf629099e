//===- GraphImporter.cpp - walks graphs, functions and subgraphs ----------===//

#include "GraphImporter.h"
#include "../Types.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::onnx_detail;

/// Integer tensors up to this size are constants, larger ones params.
static constexpr int64_t maxConstantElements = 1024;
/// Functions that call functions, and loops in loops, can grow a small file
/// without bound: it may have this many nodes, and above this one many times as
/// many as are in the file.
static constexpr int64_t maxNodes = 1'000'000, freeNodes = 10'000,
                         maxNodeFactor = 200;
/// Their calls nest on the stack.
static constexpr unsigned maxCallDepth = 200;

GraphImporter::GraphImporter(::onnx::ModelProto &model, ModuleOp module,
                             StringRef path, const ImportOptions &options)
    : model(model), module(module), options(options),
      builder(module.getContext()), reader(module.getContext(), path),
      shapes(module.getContext()), fileLocation(module.getLoc()) {}

static StringRef normalizeDomain(StringRef domain) {
  return domain == "ai.onnx" ? "" : domain;
}

std::string GraphImporter::describeCurrentNode() const {
  if (!currentNode)
    return "";
  std::string result = "node ";
  if (!currentNode->name().empty())
    result += "'" + currentNode->name() + "' ";
  else if (currentNode->output_size() != 0)
    result += "producing '" + currentNode->output(0) + "' ";
  StringRef domain = normalizeDomain(currentNode->domain());
  result += "(" + (domain.empty() ? "" : domain.str() + ".") +
            currentNode->op_type() + ")";
  return result;
}

Location GraphImporter::getLoc(StringRef valueName) const {
  std::string name = scope && scope->frame ? scope->frame->prefix : "";
  name += valueName;
  if (name.empty())
    return fileLocation;
  return NameLoc::get(StringAttr::get(fileLocation.getContext(), name));
}

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

LogicalResult GraphImporter::bind(StringRef name, Value value) {
  if (!scope->names.try_emplace(name, Binding{value}).second)
    return emitError(fileLocation)
           << "value '" << name << "' is defined more than once";
  return success();
}

FailureOr<Value> GraphImporter::lookup(StringRef name) {
  for (const Scope *at = scope; at; at = at->outer) {
    auto found = at->names.find(name);
    if (found == at->names.end())
      continue;
    Binding &binding = const_cast<Binding &>(found->second);
    if (!binding.initializer || binding.value)
      return binding.value;
    // In the block that defines it, so that it dominates later uses.
    OpBuilder::InsertionGuard guard(builder);
    if (builder.getInsertionBlock() != at->block)
      builder.setInsertionPoint(at->block->findAncestorOpInBlock(
          *builder.getInsertionBlock()->getParentOp()));
    binding.value = importTensor(*binding.initializer, name, getLoc(name),
                                 /*initializer=*/true);
    if (!binding.value)
      return failure();
    return binding.value;
  }
  return emitError(fileLocation) << "value '" << name << "' is not defined";
}

/// A param symbol, unlike an ONNX name, is unique in the whole model.
static std::string makeUnique(llvm::StringSet<> &names, StringRef name) {
  std::string unique = name.str();
  for (unsigned suffix = 1; !names.insert(unique).second; ++suffix)
    unique = (name + "_" + Twine(suffix)).str();
  return unique;
}

Value GraphImporter::importTensor(::onnx::TensorProto &tensor, StringRef name,
                                  Location location, bool initializer) {
  FailureOr<RankedTensorType> type = reader.getType(tensor, fileLocation);
  if (failed(type))
    return {};
  int64_t count = type->getNumElements();
  // Floats, and the packed bytes of quantized weights however few they are.
  Type elementType = type->getElementType();
  bool isWeight = initializer && count > 1 &&
                  ((isa<FloatType>(elementType) && type->getRank() >= 1) ||
                   (elementType.isUnsignedInteger(8) && type->getRank() >= 2));
  if (!isWeight && count <= maxConstantElements) {
    FailureOr<ElementsAttr> value = reader.readDense(tensor, fileLocation);
    if (failed(value))
      return {};
    return ConstantOp::create(builder, location, *type, *value);
  }

  ParamOp &param = params[&tensor];
  if (!param) {
    std::string symbol = makeUnique(paramNames, name.empty() ? "param" : name);
    FailureOr<DenseResourceElementsAttr> value =
        reader.readResource(tensor, symbol, fileLocation);
    if (failed(value))
      return {};
    OpBuilder moduleBuilder(*module.getOps<func::FuncOp>().begin());
    param =
        ParamOp::create(moduleBuilder, location, builder.getStringAttr(symbol),
                        ElementsAttr(*value), StringAttr());
  }
  Value result = WeightOp::create(
      builder, location, param.getType(),
      FlatSymbolRefAttr::get(builder.getContext(), param.getSymName()));
  // A builder may have given the param another shape.
  if (param.getType().getShape() != type->getShape())
    result = ReshapeOp::create(
        builder, location, type->clone(param.getType().getElementType()),
        result, createI64Constant(builder, location, type->getShape()),
        /*allowzero=*/true);
  // A bool is stored as a byte.
  if (param.getType().getElementType() != type->getElementType())
    result = CastOp::create(builder, location, *type, result,
                            TypeAttr::get(type->getElementType()),
                            builder.getBoolAttr(true));
  return result;
}

//===----------------------------------------------------------------------===//
// Declarations
//===----------------------------------------------------------------------===//

RankedTensorType
GraphImporter::convertType(const ::onnx::TypeProto &type,
                           SmallVectorImpl<std::string> *dims) const {
  if (!type.has_tensor_type() || !type.tensor_type().has_shape())
    return {};
  Type elementType =
      getElementType(type.tensor_type().elem_type(), fileLocation.getContext());
  if (!elementType)
    return {};
  SmallVector<int64_t> shape;
  int64_t product = 64;
  for (const auto &dim : type.tensor_type().shape().dim()) {
    std::string name = dim.has_dim_param() ? dim.dim_param() : "";
    int64_t size = ShapedType::kDynamic;
    auto given = options.dims.find(name);
    if (!name.empty() && given != options.dims.end()) {
      size = given->second;
      name.clear();
    } else if (dim.has_dim_value() && dim.dim_value() >= 0) {
      size = dim.dim_value();
    }
    if (!ShapedType::isDynamic(size) &&
        llvm::MulOverflow(product, std::max<int64_t>(size, 1), product))
      return {};
    shape.push_back(size);
    if (dims)
      dims->push_back(std::move(name));
  }
  return RankedTensorType::get(shape, elementType);
}

/// Why convertType gave nothing.
static std::string explainType(const ::onnx::TypeProto &type,
                               MLIRContext *context) {
  if (!type.has_tensor_type())
    return type.value_case() == ::onnx::TypeProto::VALUE_NOT_SET
               ? "has no type"
               : "is not a tensor; sequences, maps and optionals are not "
                 "supported";
  int32_t dataType = type.tensor_type().elem_type();
  if (!getElementType(dataType, context))
    return "has element type " + getDataTypeName(dataType) +
           ", which is not supported";
  if (!type.tensor_type().has_shape())
    return "has no shape, not even a rank";
  return "has dimensions whose product overflows";
}

RankedTensorType GraphImporter::getDeclaredType(StringRef name) const {
  for (const Scope *at = scope; at; at = at->outer) {
    auto found = at->types.find(name);
    if (found != at->types.end())
      return convertType(*found->second, nullptr);
  }
  return {};
}

LogicalResult GraphImporter::declareInitializers(::onnx::GraphProto &graph) {
  auto declare = [&](::onnx::TensorProto &tensor) -> LogicalResult {
    if (tensor.name().empty())
      return emitError(fileLocation) << "an initializer has no name";
    if (failed(bind(tensor.name(), Value())))
      return failure();
    scope->names.find(tensor.name())->second.initializer = &tensor;
    return success();
  };
  for (::onnx::TensorProto &tensor : *graph.mutable_initializer())
    if (failed(declare(tensor)))
      return failure();
  for (::onnx::SparseTensorProto &sparse :
       *graph.mutable_sparse_initializer()) {
    // Dense tensors take the place of sparse ones in the graph itself, which
    // lives as long as the bindings.
    ::onnx::TensorProto &tensor = *graph.add_initializer();
    if (failed(reader.densify(sparse, tensor, fileLocation)) ||
        failed(declare(tensor)))
      return failure();
  }
  return success();
}

void GraphImporter::declareTypes(const ::onnx::GraphProto &graph) {
  for (const ::onnx::ValueInfoProto &info : graph.value_info())
    scope->types.try_emplace(info.name(), &info.type());
  for (const ::onnx::ValueInfoProto &info : graph.output())
    scope->types.try_emplace(info.name(), &info.type());
}

//===----------------------------------------------------------------------===//
// Nodes
//===----------------------------------------------------------------------===//

/// Names that a node reads, those of its subgraphs included.
static void collectUses(const ::onnx::NodeProto &node,
                        SmallVectorImpl<StringRef> &names) {
  names.append(node.input().begin(), node.input().end());
  auto collectGraph = [&](const ::onnx::GraphProto &graph) {
    for (const ::onnx::NodeProto &inner : graph.node())
      collectUses(inner, names);
    for (const ::onnx::ValueInfoProto &output : graph.output())
      names.push_back(output.name());
  };
  for (const ::onnx::AttributeProto &attribute : node.attribute()) {
    if (attribute.has_g())
      collectGraph(attribute.g());
    for (const ::onnx::GraphProto &graph : attribute.graphs())
      collectGraph(graph);
  }
}

FailureOr<std::vector<int>> GraphImporter::sortNodes(const Nodes &nodes) {
  llvm::StringMap<int> producers;
  for (auto [index, node] : llvm::enumerate(nodes))
    for (const std::string &output : node.output())
      producers.try_emplace(output, index);

  // Depth first over what each node reads, with a stack of our own because a
  // chain may be as long as the graph. A graph in order stays as it is.
  enum State : char { Unseen, Open, Done };
  std::vector<State> states(nodes.size(), Unseen);
  std::vector<int> order, stack;
  SmallVector<StringRef> uses;
  for (int root = 0; root < nodes.size(); ++root) {
    stack.push_back(root);
    while (!stack.empty()) {
      int index = stack.back();
      if (states[index] != Unseen) {
        stack.pop_back();
        if (states[index] == Open)
          order.push_back(index);
        states[index] = Done;
        continue;
      }
      states[index] = Open;
      uses.clear();
      collectUses(nodes[index], uses);
      for (StringRef name : llvm::reverse(uses)) {
        auto producer = producers.find(name);
        if (name.empty() || producer == producers.end())
          continue;
        if (states[producer->second] == Open) {
          currentNode = &nodes[index];
          return emitError(fileLocation)
                 << "is part of a cycle through value '" << name << "'";
        }
        if (states[producer->second] == Unseen)
          stack.push_back(producer->second);
      }
    }
  }
  return order;
}

LogicalResult GraphImporter::importNodes(Nodes &nodes) {
  FailureOr<std::vector<int>> order = sortNodes(nodes);
  if (failed(order))
    return failure();
  for (int index : *order)
    if (failed(importNode(nodes[index])))
      return failure();
  return success();
}

LogicalResult GraphImporter::importNode(::onnx::NodeProto &node) {
  const ::onnx::NodeProto *outerNode = std::exchange(currentNode, &node);
  if (++nodeCount > nodeLimit)
    return emitError(fileLocation)
           << "is one too many: with functions inlined the model has more than "
           << nodeLimit << " nodes";
  if (node.output_size() == 0)
    return emitError(fileLocation) << "has no outputs";

  SmallVector<Value> inputs;
  for (const std::string &name : node.input()) {
    FailureOr<Value> value = name.empty() ? Value() : lookup(name);
    if (failed(value))
      return failure();
    inputs.push_back(*value);
  }
  StringRef domain = normalizeDomain(node.domain());
  auto function =
      functions.find(makeFunctionKey(domain, node.op_type(), node.overload()));
  if (function != functions.end()) {
    if (failed(importCall(node, *function->second, inputs)))
      return failure();
    currentNode = outerNode;
    return success();
  }

  auto opset = scope->frame->opsets.find(domain);
  if (opset == scope->frame->opsets.end() && domain.empty())
    return emitError(fileLocation)
           << "is of ONNX's own domain, of which the model imports no opset";
  // Exporters forget to import the domains of contributed ops.
  int64_t version = opset == scope->frame->opsets.end() ? 1 : opset->second;
  OnnxNode view(*this, node, version, inputs,
                getLoc(node.output_size() ? node.output(0) : node.name()));
  const OpTable::Entry *entry = table.lookup(domain, node.op_type(), version);
  if (!entry) {
    if (failed(importUnknown(view)))
      return failure();
  } else {
    for (unsigned i = 0; i < entry->arity.min; ++i)
      if (!view.hasInput(i))
        return view.fail("input " + Twine(i) + " is missing");
    if (inputs.size() > entry->arity.max)
      return view.fail("has " + Twine(inputs.size()) + " inputs, but takes " +
                       Twine(entry->arity.max));
    if (failed(entry->builder(view)) || view.hasFailed())
      return failure();
  }
  if (failed(bindOutputs(node, view.getOutputs())))
    return failure();
  currentNode = outerNode;
  return success();
}

LogicalResult GraphImporter::bindOutputs(::onnx::NodeProto &node,
                                         ArrayRef<Value> outputs) {
  for (auto [index, name] : llvm::enumerate(node.output())) {
    if (name.empty())
      continue;
    if (index >= outputs.size() || !outputs[index])
      return emitError(fileLocation) << "its output " << index << " ('" << name
                                     << "') is not supported";
    // Ops were created under the name of the first output.
    Operation *op = outputs[index].getDefiningOp();
    if (index > 0 && op && op->getNumResults() == 1 &&
        op->getLoc() == getLoc(node.output(0)))
      op->setLoc(getLoc(name));
    if (failed(bind(name, outputs[index])))
      return failure();
  }
  return success();
}

LogicalResult GraphImporter::importSubgraph(::onnx::GraphProto &graph,
                                            ValueRange arguments,
                                            SmallVectorImpl<Value> &outputs) {
  Scope inner;
  inner.outer = scope;
  inner.frame = scope->frame;
  inner.block = builder.getInsertionBlock();
  llvm::SaveAndRestore restoreScope(scope, &inner);
  if (unsigned(graph.input_size()) != arguments.size())
    return emitError(fileLocation) << "a subgraph has " << graph.input_size()
                                   << " inputs, not " << arguments.size();
  for (auto [input, argument] : llvm::zip(graph.input(), arguments))
    if (failed(bind(input.name(), argument)))
      return failure();
  declareTypes(graph);
  if (failed(declareInitializers(graph)) ||
      failed(importNodes(*graph.mutable_node())))
    return failure();
  for (const ::onnx::ValueInfoProto &output : graph.output()) {
    FailureOr<Value> value = lookup(output.name());
    if (failed(value))
      return failure();
    if (!*value)
      return emitError(fileLocation)
             << "value '" << output.name() << "' is not defined";
    outputs.push_back(*value);
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

std::string GraphImporter::makeFunctionKey(StringRef domain, StringRef name,
                                           StringRef overload) {
  return (domain + "/" + name + "/" + overload).str();
}

const ::onnx::AttributeProto *
GraphImporter::findAttribute(const ::onnx::NodeProto &node,
                             StringRef name) const {
  for (const ::onnx::AttributeProto &attribute : node.attribute()) {
    if (attribute.name() != name)
      continue;
    if (attribute.ref_attr_name().empty())
      return &attribute;
    return scope->frame->attributes.lookup(attribute.ref_attr_name());
  }
  return nullptr;
}

LogicalResult GraphImporter::importCall(::onnx::NodeProto &node,
                                        ::onnx::FunctionProto &function,
                                        ValueRange inputs) {
  unsigned depth = 0;
  for (const Frame *frame = scope->frame; frame; frame = frame->caller) {
    if (frame->function == &function)
      return emitError(fileLocation) << "calls a function that calls itself";
    if (++depth > maxCallDepth)
      return emitError(fileLocation)
             << "is a call inside of " << maxCallDepth << " others";
  }
  if (inputs.size() > unsigned(function.input_size()) ||
      node.output_size() > function.output_size())
    return emitError(fileLocation)
           << "has more inputs or outputs than the function it calls";

  Frame frame;
  frame.caller = scope->frame;
  frame.function = &function;
  frame.prefix = scope->frame->prefix +
                 (node.name().empty() ? node.op_type() : node.name()) + "/";
  if (failed(readOpsets(function.opset_import(), frame)))
    return failure();
  for (const std::string &name : function.attribute())
    if (const ::onnx::AttributeProto *given = findAttribute(node, name))
      frame.attributes[name] = given;
  for (const ::onnx::AttributeProto &attribute : function.attribute_proto()) {
    const ::onnx::AttributeProto *given = findAttribute(node, attribute.name());
    frame.attributes[attribute.name()] = given ? given : &attribute;
  }

  Scope inner;
  inner.frame = &frame;
  inner.block = builder.getInsertionBlock();
  SmallVector<Value> outputs;
  {
    llvm::SaveAndRestore restoreScope(scope, &inner);
    for (auto [index, name] : llvm::enumerate(function.input()))
      if (failed(bind(name, index < inputs.size() ? inputs[index] : Value())))
        return failure();
    for (const ::onnx::ValueInfoProto &info : function.value_info())
      inner.types.try_emplace(info.name(), &info.type());
    if (failed(importNodes(*function.mutable_node())))
      return failure();
    for (int i = 0; i < node.output_size(); ++i) {
      FailureOr<Value> value = lookup(function.output(i));
      if (failed(value))
        return failure();
      outputs.push_back(*value);
    }
  }
  currentNode = &node;
  return bindOutputs(node, outputs);
}

LogicalResult GraphImporter::readOpsets(
    const google::protobuf::RepeatedPtrField<::onnx::OperatorSetIdProto> &ids,
    Frame &frame) {
  for (const ::onnx::OperatorSetIdProto &id : ids) {
    StringRef domain = normalizeDomain(id.domain());
    if (domain.empty() && (id.version() < minOpset || id.version() > maxOpset))
      return emitError(fileLocation)
             << "imports opset " << id.version() << " of ONNX; " << minOpset
             << " to " << maxOpset << " are supported";
    frame.opsets[domain] = id.version();
  }
  return success();
}

//===----------------------------------------------------------------------===//
// The model
//===----------------------------------------------------------------------===//

/// How many nodes are written down, those of subgraphs included.
static int64_t
countNodes(const google::protobuf::RepeatedPtrField<::onnx::NodeProto> &nodes) {
  int64_t count = nodes.size();
  for (const ::onnx::NodeProto &node : nodes)
    for (const ::onnx::AttributeProto &attribute : node.attribute()) {
      count += countNodes(attribute.g().node());
      for (const ::onnx::GraphProto &graph : attribute.graphs())
        count += countNodes(graph.node());
    }
  return count;
}

LogicalResult GraphImporter::run() {
  if (model.ir_version() < 1 || !model.has_graph())
    return emitError(fileLocation) << "is not an ONNX model: it has no graph";
  if (model.ir_version() > maxIrVersion)
    return emitError(fileLocation)
           << "has IR version " << model.ir_version() << "; versions up to "
           << maxIrVersion << " are supported";
  Frame frame;
  if (failed(readOpsets(model.opset_import(), frame)))
    return failure();
  for (::onnx::FunctionProto &function : *model.mutable_functions())
    functions.try_emplace(makeFunctionKey(normalizeDomain(function.domain()),
                                          function.name(), function.overload()),
                          &function);
  int64_t written = countNodes(model.graph().node());
  for (const ::onnx::FunctionProto &function : model.functions())
    written += countNodes(function.node());
  nodeLimit = std::clamp(written * maxNodeFactor, freeNodes, maxNodes);
  Scope main;
  main.frame = &frame;
  scope = &main;
  LogicalResult result = importMain();
  scope = nullptr;
  return result;
}

LogicalResult GraphImporter::importMain() {
  ::onnx::GraphProto &graph = *model.mutable_graph();
  if (graph.output_size() == 0)
    return emitError(fileLocation) << "is not an ONNX model: its graph has no "
                                      "outputs";
  builder.setInsertionPointToEnd(module.getBody());
  auto function = func::FuncOp::create(builder, fileLocation, "main",
                                       builder.getFunctionType({}, {}));
  Block *body = function.addEntryBlock();
  scope->block = body;
  builder.setInsertionPointToStart(body);
  if (failed(declareInitializers(graph)))
    return failure();

  SmallVector<Type> argumentTypes, resultTypes;
  SmallVector<DictionaryAttr> argumentAttrs, resultAttrs;
  auto describe = [&](StringRef name, ArrayRef<std::string> dims) {
    SmallVector<Attribute> names;
    for (const std::string &dim : dims)
      names.push_back(builder.getStringAttr(dim));
    return builder.getDictionaryAttr(
        {builder.getNamedAttr(dimsAttr, builder.getArrayAttr(names)),
         builder.getNamedAttr(nameAttr, builder.getStringAttr(name))});
  };
  for (const ::onnx::ValueInfoProto &input : graph.input()) {
    if (input.name().empty())
      return emitError(fileLocation) << "an input of the graph has no name";
    // Up to IR version 3 initializers had to be inputs too; later this gives
    // an input a default, which a compiled model does not have.
    auto found = scope->names.find(input.name());
    if (found != scope->names.end() && found->second.initializer) {
      if (model.ir_version() > 3)
        emitWarning(fileLocation)
            << "input '" << input.name() << "' has an initializer and becomes "
            << "a constant";
      continue;
    }
    SmallVector<std::string> dims;
    RankedTensorType type = convertType(input.type(), &dims);
    if (!type)
      return emitError(fileLocation)
             << "input '" << input.name() << "' "
             << explainType(input.type(), module.getContext());
    if (auto known = options.constants.find(input.name());
        known != options.constants.end()) {
      DenseElementsAttr value = known->second;
      if (failed(verifyCompatibleShape(type, value.getType())) ||
          type.getElementType() != value.getElementType())
        return emitError(fileLocation)
               << "input '" << input.name() << "' is " << type
               << ", but the constant given for it is " << value.getType();
      if (failed(bind(input.name(),
                      ConstantOp::create(
                          builder, getLoc(input.name()),
                          cast<RankedTensorType>(value.getType()), value))))
        return failure();
      continue;
    }
    argumentTypes.push_back(type);
    argumentAttrs.push_back(describe(input.name(), dims));
    Value argument = body->addArgument(type, getLoc(input.name()));
    if (failed(bind(input.name(), argument)))
      return failure();
    ShapeInfo info{type.getElementType(), {}, std::nullopt};
    for (auto [size, dim] : llvm::zip(type.getShape(), dims))
      info.dims.push_back(!ShapedType::isDynamic(size) ? shapes.constant(size)
                          : dim.empty() ? shapes.freshSymbol()
                                        : shapes.namedSymbol(dim));
    shapes.set(argument, info);
  }
  declareTypes(graph);
  if (failed(importNodes(*graph.mutable_node())))
    return failure();

  SmallVector<Value> results;
  llvm::StringSet<> outputNames;
  for (const ::onnx::ValueInfoProto &output : graph.output()) {
    if (!outputNames.insert(output.name()).second)
      return emitError(fileLocation)
             << "output '" << output.name() << "' is declared more than once";
    FailureOr<Value> value = lookup(output.name());
    if (failed(value))
      return failure();
    SmallVector<std::string> dims;
    Value result = finishOutput(output, *value, dims);
    if (!result)
      return failure();
    results.push_back(result);
    resultTypes.push_back(result.getType());
    resultAttrs.push_back(describe(output.name(), dims));
  }
  func::ReturnOp::create(builder, fileLocation, results);
  function.setType(builder.getFunctionType(argumentTypes, resultTypes));
  function.setAllArgAttrs(argumentAttrs);
  function.setAllResultAttrs(resultAttrs);

  if (!graph.name().empty())
    module->setAttr("llmc.graph_name", builder.getStringAttr(graph.name()));
  SmallVector<NamedAttribute> metadata;
  for (const ::onnx::StringStringEntryProto &entry : model.metadata_props())
    if (!entry.key().empty() &&
        llvm::none_of(metadata, [&](NamedAttribute known) {
          return known.getName() == entry.key();
        }))
      metadata.push_back(builder.getNamedAttr(
          entry.key(), builder.getStringAttr(entry.value())));
  if (!metadata.empty())
    module->setAttr("llmc.metadata", builder.getDictionaryAttr(metadata));
  return success();
}

Value GraphImporter::finishOutput(const ::onnx::ValueInfoProto &output,
                                  Value value,
                                  SmallVectorImpl<std::string> &dims) {
  auto type = cast<RankedTensorType>(value.getType());
  RankedTensorType declared = convertType(output.type(), &dims);
  if (!declared) {
    dims.assign(type.getRank(), "");
    return value;
  }
  if (declared.getElementType() != type.getElementType()) {
    emitError(fileLocation) << "output '" << output.name() << "' is declared "
                            << declared << ", but has type " << type;
    return {};
  }
  if (failed(verifyCompatibleShape(declared, type))) {
    emitWarning(fileLocation)
        << "output '" << output.name() << "' is declared " << declared
        << ", but has type " << type << ", which is used";
    dims.assign(type.getRank(), "");
    return value;
  }
  // What is declared may be more than could be inferred.
  SmallVector<int64_t> shape(type.getShape());
  for (auto [size, known] : llvm::zip(shape, declared.getShape()))
    if (ShapedType::isDynamic(size))
      size = known;
  RankedTensorType refined = type.clone(shape);
  if (refined == type)
    return value;
  return tensor::CastOp::create(builder, value.getLoc(), refined, value);
}
