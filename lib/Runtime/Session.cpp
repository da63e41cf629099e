//===- Session.cpp - states, and runs that use them -----------------------===//

#include "Session.h"
#include "Error.h"
#include "Results.h"
#include <algorithm>
#include <cstring>
#include <limits>

using namespace llmc;
using namespace llmc::runtime;

Session::Session(std::shared_ptr<const Model> model,
                 const llmc_session_options &options)
    : model(std::move(model)), initialCapacity(options.initial_capacity),
      threads(options.threads) {
  if (options.initial_capacity < 1 || options.max_length < 0 ||
      options.threads < 0)
    fail(LLMC_ERROR_ARGUMENT, "initial_capacity must be at least 1, and "
                              "max_length and threads at least 0");
  const Manifest &manifest = this->model->getManifest();
  limit = options.max_length ? options.max_length : manifest.contextLength;
  states.resize(manifest.states.size());
}

void Session::truncate(int64_t newLength) {
  if (newLength < 0 || newLength > length)
    fail(LLMC_ERROR_ARGUMENT, "cannot truncate a session of ", length,
         " tokens to ", newLength);
  length = newLength;
}

void Session::checkLimit(int64_t past, int64_t count) const {
  if (limit && (count > limit || past > limit - count))
    fail(LLMC_ERROR_LIMIT, past, " tokens and ", count,
         " more would be more than the ", limit, " that ",
         limit == model->getManifest().contextLength ? "the model was made for"
                                                     : "this session may hold");
}

void Session::checkInput(const TensorSpec &spec, const llmc_tensor &tensor,
                         Bindings &bindings) const {
  auto reject = [&](const auto &...parts) {
    fail(LLMC_ERROR_ARGUMENT, "input '", spec.name, "': ", parts...);
  };
  if (tensor.dtype != spec.dtype) {
    const char *given = llmc_dtype_name(tensor.dtype);
    reject("the type is ", given ? given : "not an llmc_dtype",
           " where the model takes ", llmc_dtype_name(spec.dtype));
  }
  size_t rank = spec.shape.size();
  if (tensor.rank < 0 || size_t(tensor.rank) != rank)
    reject("the tensor has ", tensor.rank, " dimensions where the model takes ",
           formatShape(spec.shape.data(), rank, spec.symbols.data()));
  if (rank && !tensor.shape)
    reject("the shape is a null pointer");
  int64_t bytes;
  if (!computeBytes(spec.dtype, tensor.shape, rank, bytes))
    reject("a dimension of ", formatShape(tensor.shape, rank),
           " is negative, or the tensor is too large");
  if (bytes && !tensor.data)
    reject("the data is a null pointer");
  for (size_t dim = 0; dim < rank; ++dim) {
    int64_t size = tensor.shape[dim];
    if (spec.shape[dim] >= 0 && spec.shape[dim] != size)
      reject("the shape is ", formatShape(tensor.shape, rank),
             " where the model takes ",
             formatShape(spec.shape.data(), rank, spec.symbols.data()));
    if (!spec.isNamed(dim))
      continue;
    auto [it, isNew] =
        bindings.insert({spec.symbols[dim], {size, spec.name.c_str()}});
    if (!isNew && it->second.size != size)
      reject("dimension ", dim, " (", spec.symbols[dim], ") is ", size,
             " where input '", it->second.tensor, "' has ", it->second.size);
  }
}

std::vector<const llmc_tensor *>
Session::matchInputs(const llmc_tensor *inputs, size_t numInputs,
                     Bindings &bindings) const {
  if (numInputs && !inputs)
    fail(LLMC_ERROR_ARGUMENT, "inputs is a null pointer");
  const std::vector<TensorSpec> &specs = model->getManifest().inputs;
  std::vector<const llmc_tensor *> matched(specs.size());
  for (size_t i = 0; i < numInputs; ++i) {
    if (!inputs[i].name)
      fail(LLMC_ERROR_ARGUMENT, "input number ", i, " has no name");
    std::string name = inputs[i].name;
    int index = model->findInput(name);
    if (index < 0) {
      bool isState = name == artifact::kPastLength && hasStates();
      for (const TensorSpec &state : model->getManifest().states)
        isState |= state.name == name;
      if (isState)
        fail(LLMC_ERROR_ARGUMENT, "'", name,
             "' is the session's: do not pass it as an input");
      std::string known;
      for (const TensorSpec &spec : specs)
        known += (known.empty() ? "" : ", ") + spec.name;
      fail(LLMC_ERROR_ARGUMENT, "the model has no input '", name,
           "'; its inputs are: ", known);
    }
    if (matched[index])
      fail(LLMC_ERROR_ARGUMENT, "input '", name, "' is given twice");
    checkInput(specs[index], inputs[i], bindings);
    matched[index] = &inputs[i];
  }
  static int64_t all = 0;
  static const llmc_tensor keepAll = {
      artifact::kLogitsToKeep, LLMC_INT64, 0, nullptr, &all, nullptr};
  for (size_t i = 0; i < specs.size(); ++i)
    if (!matched[i] && specs[i].name == artifact::kLogitsToKeep)
      checkInput(specs[i], *(matched[i] = &keepAll), bindings);
    else if (!matched[i])
      fail(LLMC_ERROR_ARGUMENT, "input '", specs[i].name, "' is missing");
  return matched;
}

std::vector<int64_t> Session::getStateShape(const TensorSpec &spec,
                                            const State &state,
                                            const Bindings &bindings) const {
  std::vector<int64_t> shape = spec.shape;
  for (int32_t dim = 0; dim < int32_t(shape.size()); ++dim) {
    if (dim == spec.axis) {
      shape[dim] =
          state.block ? state.shape[dim] : std::max(shape[dim], int64_t(0));
      continue;
    }
    if (shape[dim] >= 0)
      continue;
    auto it = bindings.find(spec.symbols[dim]);
    if (!spec.isNamed(dim) || it == bindings.end())
      fail(LLMC_ERROR_FORMAT, "state '", spec.name,
           "': no input says how "
           "large dimension ",
           dim, " is");
    shape[dim] = it->second.size;
  }
  return shape;
}

void Session::reserve(int64_t needed, const Bindings &bindings) {
  const std::vector<TensorSpec> &specs = model->getManifest().states;
  for (size_t i = 0; i < states.size(); ++i) {
    const TensorSpec &spec = specs[i];
    State &state = states[i];
    std::vector<int64_t> shape = getStateShape(spec, state, bindings);
    bool fits = state.block && shape == state.shape;
    if (!fits && length > 0)
      fail(LLMC_ERROR_ARGUMENT, "the session holds ", length,
           " tokens of shape ", formatShape(state.shape.data(), shape.size()),
           " and these inputs need ", formatShape(shape.data(), shape.size()),
           ": reset it first");
    int64_t &rows = shape[spec.axis];
    if (fits && rows >= needed)
      continue;
    if (spec.shape[spec.axis] >= 0 && needed > spec.shape[spec.axis])
      fail(LLMC_ERROR_LIMIT, "state '", spec.name, "' has room for ",
           spec.shape[spec.axis], " tokens, and ", needed, " are needed");
    if (rows < needed) {
      int64_t wish = std::max(initialCapacity, 2 * rows);
      if (limit)
        wish = std::min(wish, limit);
      rows = std::max(wish, needed);
    }
    int64_t bytes;
    if (!computeBytes(spec.dtype, shape.data(), shape.size(), bytes))
      fail(LLMC_ERROR_MEMORY, "state '", spec.name, "' would be too large");

    Block block = allocateBlock(bytes);
    if (length > 0) {
      // Rows lie next to each other within each index of the outer
      // dimensions.
      int64_t row = int64_t(llmc_dtype_size(spec.dtype)), outer = 1;
      for (int32_t dim = 0; dim < int32_t(shape.size()); ++dim)
        (dim < spec.axis ? outer : row) *= dim == spec.axis ? 1 : shape[dim];
      char *to = static_cast<char *>(block.get());
      const char *from = static_cast<const char *>(state.block.get());
      for (int64_t n = 0; n < outer; ++n)
        std::memcpy(to + n * rows * row,
                    from + n * state.shape[spec.axis] * row, length * row);
    }
    state.block = std::move(block);
    state.shape = shape;
  }
  int64_t least = std::numeric_limits<int64_t>::max();
  for (size_t i = 0; i < states.size(); ++i)
    least = std::min(least, states[i].shape[specs[i].axis]);
  capacity = least;
}

std::vector<OutputTensor> Session::run(const llmc_tensor *inputs,
                                       size_t numInputs) {
  const Manifest &manifest = model->getManifest();
  Bindings bindings;
  std::vector<const llmc_tensor *> matched =
      matchInputs(inputs, numInputs, bindings);
  int64_t step = 0;
  if (hasStates()) {
    step = matched[manifest.stepInput]->shape[manifest.stepAxis];
    checkLimit(length, step);
    reserve(length + step, bindings);
  }

  std::vector<Descriptor> descriptors;
  for (const llmc_tensor *input : matched)
    descriptors.emplace_back(input->data, input->shape, input->rank);
  for (State &state : states)
    descriptors.emplace_back(state.block.get(), state.shape.data(),
                             state.shape.size());
  int64_t past = length;
  if (hasStates())
    descriptors.emplace_back(&past, nullptr, 0);

  Results results(manifest.outputs);
  std::vector<void *> args = {results.get()};
  for (Descriptor &descriptor : descriptors)
    args.push_back(descriptor.get());
  model->appendWeights(args);
  model->invoke(args, threads);
  std::vector<OutputTensor> outputs = results.take(args);
  length += step;
  return outputs;
}
