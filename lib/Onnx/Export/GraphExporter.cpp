//===- GraphExporter.cpp - a module's graph as a ModelProto ---------------===//

#include "GraphExporter.h"
#include "../Types.h"
#include "llmc/Weights/Blobs.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Iterators.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::onnx_detail;

/// Written unless the model needs another.
static constexpr int64_t defaultOpset = 23, defaultIrVersion = 11;

GraphExporter::GraphExporter(ModuleOp module, std::string dataName,
                             const ExportOptions &options)
    : module(module), options(options), dataName(std::move(dataName)) {}

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

std::string GraphExporter::makeUnique(StringRef name) {
  std::string unique = name.str();
  for (unsigned suffix = 1; !usedNames.insert(unique).second; ++suffix)
    unique = (name + "_" + Twine(suffix)).str();
  return unique;
}

/// The ONNX name that a location carries for result `index`.
static StringRef getLocationName(Location location, unsigned index) {
  if (auto name = dyn_cast<NameLoc>(location))
    return name.getName();
  if (auto fused = dyn_cast<FusedLoc>(location)) {
    ArrayRef<Location> parts = fused.getLocations();
    if (index < parts.size())
      if (StringRef name = getLocationName(parts[index], 0); !name.empty())
        return name;
    for (Location part : parts)
      if (StringRef name = getLocationName(part, 0); !name.empty())
        return name;
  }
  if (auto call = dyn_cast<CallSiteLoc>(location))
    return getLocationName(call.getCallee(), index);
  return {};
}

void GraphExporter::assignNames(func::FuncOp main) {
  // The model's interface and its params keep their names whatever happens.
  for (ParamOp param : module.getOps<ParamOp>())
    usedNames.insert(param.getSymName());
  auto interfaceName = [&](StringAttr given, const Twine &otherwise) {
    std::string name = given ? given.str() : otherwise.str();
    usedNames.insert(name);
    return name;
  };
  for (BlockArgument argument : main.getArguments()) {
    unsigned index = argument.getArgNumber();
    names[argument] =
        interfaceName(main.getArgAttrOfType<StringAttr>(index, nameAttr),
                      "input_" + Twine(index));
  }
  auto results = cast<func::ReturnOp>(main.front().getTerminator());
  for (auto [index, value] : llvm::enumerate(results.getOperands())) {
    std::string name =
        interfaceName(main.getResultAttrOfType<StringAttr>(index, nameAttr),
                      "output_" + Twine(index));
    // A param or a constant is an initializer first.
    Operation *op = value.getDefiningOp();
    if (op && op->getBlock() == &main.front() &&
        !isa<WeightOp, ConstantOp>(op) && !isa<tensor::CastOp>(op))
      names.try_emplace(value, name);
  }
  // Backwards, so that of the ops that one node became the last keeps its name.
  main.walk<WalkOrder::PostOrder, ReverseIterator>([&](Operation *op) {
    for (OpResult result : op->getResults()) {
      if (names.count(result) || isa<WeightOp, ConstantOp, tensor::CastOp>(op))
        continue;
      StringRef name = getLocationName(op->getLoc(), result.getResultNumber());
      names[result] =
          makeUnique(name.empty() ? op->getName().stripDialect() : name);
    }
  });
}

std::string GraphExporter::getName(Value value) {
  if (!value)
    return "";
  auto found = names.find(value);
  assert(found != names.end() && "an operand that was not exported");
  return found->second;
}

void GraphExporter::setName(Value value, std::string name) {
  names[value] = std::move(name);
}

//===----------------------------------------------------------------------===//
// Initializers
//===----------------------------------------------------------------------===//

std::string GraphExporter::addConstant(ElementsAttr value, Location location) {
  auto [entry, inserted] = constants.try_emplace(value);
  if (inserted) {
    StringRef name = getLocationName(location, 0);
    entry->second = makeUnique(name.empty() ? "constant" : name);
    initializers.push_back({entry->second, value, value.getShapedType()});
  }
  return entry->second;
}

ParamOp GraphExporter::getParam(WeightOp weight) {
  return module.lookupSymbol<ParamOp>(weight.getParam());
}

std::string GraphExporter::addParam(WeightOp weight) {
  ParamOp param = getParam(weight);
  auto [entry, inserted] =
      params.try_emplace({weight.getParamAttr().getAttr(), param.getType()});
  if (inserted) {
    entry->second = weight.getParam().str();
    initializers.push_back({entry->second, param.getValue(), param.getType()});
  }
  return entry->second;
}

void GraphExporter::noteUnpacked(WeightOpInterface op) {
  // What makes a weight of it counts it.
  if (llvm::all_of(op->getUsers(), llvm::IsaPred<WeightOpInterface>))
    return;
  Value weight = op->getResult(0);
  ++unpacked.count;
  unpacked.stored += storageBytes(weight);
  unpacked.dense += getByteSize(cast<ShapedType>(weight.getType())).value_or(0);
}

std::optional<std::string> GraphExporter::addBoolParam(WeightOp weight) {
  ParamOp param = getParam(weight);
  auto resource = dyn_cast<DenseResourceElementsAttr>(param.getValue());
  if (!resource || !param.getType().getElementType().isUnsignedInteger(8) ||
      llvm::any_of(getBytes(resource),
                   [](char byte) { return byte != 0 && byte != 1; }))
    return std::nullopt;
  auto type = RankedTensorType::get(param.getType().getShape(),
                                    IntegerType::get(module.getContext(), 1));
  auto [entry, inserted] =
      params.try_emplace({weight.getParamAttr().getAttr(), type});
  if (inserted) {
    // The bytes under their own type are hardly used too.
    std::string name = weight.getParam().str();
    bool taken = llvm::any_of(initializers, [&](const Initializer &other) {
      return other.name == name;
    });
    entry->second = taken ? makeUnique(name) : name;
    initializers.push_back({entry->second, resource, type});
  }
  return entry->second;
}

std::string GraphExporter::getTransposed(Value weight, OpWriter &writer) {
  std::string &name = transposed[{weight, &writer.getGraph()}];
  if (name.empty())
    name = writer.node("Transpose", {getName(weight)})
               .attr("perm", ArrayRef<int64_t>{1, 0});
  return name;
}

/// Names that the nodes of a graph and of its subgraphs read.
static void collectReadNames(const ::onnx::GraphProto &graph,
                             llvm::StringSet<> &names) {
  for (const ::onnx::NodeProto &node : graph.node()) {
    for (const std::string &input : node.input())
      names.insert(input);
    for (const ::onnx::AttributeProto &attribute : node.attribute())
      if (attribute.has_g())
        collectReadNames(attribute.g(), names);
  }
  for (const ::onnx::ValueInfoProto &output : graph.output())
    names.insert(output.name());
}

/// Erases nodes of which nothing reads an output: weight expressions that
/// their users wrote in a form of their own, for the most part.
static void eraseDeadNodes(::onnx::GraphProto &graph) {
  llvm::StringSet<> read;
  for (const ::onnx::ValueInfoProto &output : graph.output())
    read.insert(output.name());
  std::vector<bool> isDead(graph.node_size());
  for (int i = graph.node_size() - 1; i >= 0; --i) {
    const ::onnx::NodeProto &node = graph.node(i);
    isDead[i] = llvm::none_of(node.output(), [&](const std::string &name) {
      return read.contains(name);
    });
    if (isDead[i])
      continue;
    for (const std::string &input : node.input())
      read.insert(input);
    for (const ::onnx::AttributeProto &attribute : node.attribute())
      if (attribute.has_g())
        collectReadNames(attribute.g(), read);
  }
  google::protobuf::RepeatedPtrField<::onnx::NodeProto> live;
  for (int i = 0; i < graph.node_size(); ++i)
    if (!isDead[i])
      live.Add(std::move(*graph.mutable_node(i)));
  graph.mutable_node()->Swap(&live);
}

LogicalResult GraphExporter::writeInitializers() {
  llvm::StringSet<> read;
  collectReadNames(*mainGraph, read);
  llvm::erase_if(initializers, [&](const Initializer &initializer) {
    return !read.contains(initializer.name);
  });
  int64_t total = 0;
  for (const Initializer &initializer : initializers)
    if (auto resource = dyn_cast<DenseResourceElementsAttr>(initializer.value))
      total += getBytes(resource).size();
  bool isExternal = total > options.externalDataLimit;
  for (const Initializer &initializer : initializers) {
    ::onnx::TensorProto &tensor = *mainGraph->add_initializer();
    tensor.set_name(initializer.name);
    std::optional<int32_t> dataType =
        getDataType(initializer.type.getElementType());
    if (!dataType)
      return module.emitError("initializer '")
             << initializer.name << "' has type " << initializer.type
             << ", which ONNX does not have";
    tensor.set_data_type(*dataType);
    for (int64_t size : initializer.type.getShape())
      tensor.add_dims(size);
    auto resource = dyn_cast<DenseResourceElementsAttr>(initializer.value);
    rawData.emplace_back();
    if (resource && getBytes(resource).empty() &&
        initializer.type.getNumElements() != 0)
      return module.emitError("the bytes of '")
             << initializer.name
             << "' were freed when the model was written before";
    if (resource && isExternal &&
        int64_t(getBytes(resource).size()) >= options.externalTensorSize)
      externalData.add(resource, dataName, tensor);
    else if (resource)
      rawData.back() = resource;
    else if (failed(writeData(initializer.value, tensor)))
      return module.emitError("initializer '")
             << initializer.name << "' has a value of an unexpected kind";
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Versions
//===----------------------------------------------------------------------===//

void GraphExporter::requireOpset(int64_t opset, Operation *op) {
  if (opset <= neededOpset)
    return;
  neededOpset = opset;
  needingOp = op;
}

void GraphExporter::useDomain(StringRef domain, int64_t version) {
  int64_t &known = domains[domain];
  known = std::max(known, version);
}

LogicalResult GraphExporter::carryVersion(int64_t version, Operation *op) {
  if (carriedOpset && *carriedOpset != version)
    return op->emitOpError("is of opset ")
           << version << ", but another carried node is of opset "
           << *carriedOpset << "; one model has one opset";
  carriedOpset = version;
  return success();
}

LogicalResult GraphExporter::writeVersions(::onnx::ModelProto &model) {
  int64_t opset = std::max(defaultOpset, neededOpset);
  if (carriedOpset) {
    // What a node means depends on its opset, and llmc does not know the node.
    if (neededOpset > *carriedOpset)
      return needingOp->emitOpError("needs opset ")
             << neededOpset << ", but the model carries nodes of opset "
             << *carriedOpset << " that llmc does not know";
    opset = *carriedOpset;
  }
  int64_t irVersion = defaultIrVersion;
  auto useType = [&](int32_t dataType) {
    using ::onnx::TensorProto;
    if (dataType == TensorProto::FLOAT8E8M0)
      irVersion = std::max<int64_t>(irVersion, 12);
    if (dataType == TensorProto::INT2 || dataType == TensorProto::UINT2)
      irVersion = std::max<int64_t>(irVersion, 13);
  };
  for (const ::onnx::TensorProto &tensor : model.graph().initializer())
    useType(tensor.data_type());
  model.set_ir_version(irVersion);
  ::onnx::OperatorSetIdProto &id = *model.add_opset_import();
  id.set_domain("");
  id.set_version(opset);
  SmallVector<StringRef> sorted(domains.keys());
  llvm::sort(sorted);
  for (StringRef domain : sorted) {
    ::onnx::OperatorSetIdProto &other = *model.add_opset_import();
    other.set_domain(domain.str());
    other.set_version(domains[domain]);
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Graphs
//===----------------------------------------------------------------------===//

LogicalResult GraphExporter::exportBlock(Block &block,
                                         ::onnx::GraphProto &graph) {
  for (Operation &op : block.without_terminator()) {
    const ExportTable::Function *function = table.lookup(&op);
    if (!function)
      return op.emitOpError("has no ONNX form");
    OpWriter writer(*this, graph, &op);
    if (failed((*function)(writer, &op)))
      return failure();
  }
  return success();
}

void onnx_detail::writeIdentity(::onnx::GraphProto &graph, StringRef from,
                                StringRef to) {
  ::onnx::NodeProto &node = *graph.add_node();
  node.set_op_type("Identity");
  node.set_name(to.str());
  node.add_input(from.str());
  node.add_output(to.str());
}

LogicalResult GraphExporter::exportSubgraph(Block &block, StringRef name,
                                            ::onnx::GraphProto &graph) {
  graph.set_name(name.str());
  if (failed(exportBlock(block, graph)))
    return failure();
  for (Value value : block.getTerminator()->getOperands()) {
    std::string output = makeUnique(name);
    writeIdentity(graph, getName(value), output);
    if (failed(writeValueInfo(value.getType(), {}, output, *graph.add_output(),
                              block.getParentOp())))
      return failure();
  }
  return success();
}

LogicalResult GraphExporter::writeValueInfo(Type type,
                                            DictionaryAttr attributes,
                                            StringRef name,
                                            ::onnx::ValueInfoProto &info,
                                            Operation *op) {
  auto tensorType = dyn_cast<RankedTensorType>(type);
  std::optional<int32_t> dataType =
      tensorType ? getDataType(tensorType.getElementType()) : std::nullopt;
  if (!dataType)
    return op->emitOpError("value '")
           << name << "' has type " << type << ", which ONNX does not have";
  info.set_name(name.str());
  auto &proto = *info.mutable_type()->mutable_tensor_type();
  proto.set_elem_type(*dataType);
  auto dims = attributes ? attributes.getAs<ArrayAttr>(dimsAttr) : ArrayAttr();
  auto &shape = *proto.mutable_shape();
  for (auto [index, size] : llvm::enumerate(tensorType.getShape())) {
    auto &dim = *shape.add_dim();
    StringAttr param = dims && index < dims.size()
                           ? dyn_cast<StringAttr>(dims[index])
                           : StringAttr();
    if (param && !param.empty())
      dim.set_dim_param(param.str());
    else if (!ShapedType::isDynamic(size))
      dim.set_dim_value(size);
  }
  return success();
}

LogicalResult GraphExporter::exportMain(func::FuncOp main,
                                        ::onnx::GraphProto &graph) {
  auto graphName = module->getAttrOfType<StringAttr>("llmc.graph_name");
  graph.set_name(graphName ? graphName.str() : main.getSymName().str());
  for (BlockArgument argument : main.getArguments()) {
    unsigned index = argument.getArgNumber();
    for (StringRef lowered : {"llmc.state", "llmc.param"})
      if (main.getArgAttr(index, lowered))
        return main.emitOpError("argument ")
               << index << " carries " << lowered
               << ": export the model before it is lowered";
    if (failed(writeValueInfo(argument.getType(), main.getArgAttrDict(index),
                              getName(argument), *graph.add_input(), main)))
      return failure();
  }
  if (failed(exportBlock(main.front(), graph)))
    return failure();
  for (auto [index, value] :
       llvm::enumerate(main.front().getTerminator()->getOperands())) {
    auto given = main.getResultAttrOfType<StringAttr>(index, nameAttr);
    std::string name = given ? given.str() : ("output_" + Twine(index)).str();
    if (getName(value) != name)
      writeIdentity(graph, getName(value), name);
    if (failed(writeValueInfo(value.getType(), main.getResultAttrDict(index),
                              name, *graph.add_output(), main)))
      return failure();
  }
  return success();
}

void GraphExporter::reportSlowWeights() {
  if (unpacked.count)
    emitRemark(module.getLoc())
        << "ONNX Runtime has no kernels for " << unpacked.count
        << " of the weights, which it unpacks when it loads the model: "
        << unpacked.stored << " bytes become " << unpacked.dense;
  if (slowLinears)
    emitRemark(module.getLoc())
        << "ONNX Runtime unpacks the weights of " << slowLinears
        << " linears each time: its kernels for 2 and 8 bits, which 5 to 7 "
           "become, are for activations of 8 bits; see "
           "llmc-quantize-activations";
  if (floatZeroLinears)
    emitRemark(module.getLoc())
        << "ONNX Runtime unpacks the weights of " << floatZeroLinears
        << " linears each time: its kernels are for zero points that are "
           "integers, not floats";
}

LogicalResult GraphExporter::run(::onnx::ModelProto &model) {
  auto main = module.lookupSymbol<func::FuncOp>("main");
  if (!main || !llvm::hasSingleElement(main.getBody()))
    return module.emitOpError("has no function @main with one block");
  mainGraph = model.mutable_graph();
  assignNames(main);
  if (failed(exportMain(main, *mainGraph)))
    return failure();
  eraseDeadNodes(*mainGraph);
  if (failed(writeInitializers()) || failed(writeVersions(model)))
    return failure();
  reportSlowWeights();
  model.set_producer_name("llmc");
  model.set_producer_version(LLMC_VERSION);
  if (auto metadata = module->getAttrOfType<DictionaryAttr>("llmc.metadata"))
    for (NamedAttribute entry : metadata)
      if (auto value = dyn_cast<StringAttr>(entry.getValue())) {
        ::onnx::StringStringEntryProto &added = *model.add_metadata_props();
        added.set_key(entry.getName().str());
        added.set_value(value.str());
      }
  return success();
}
