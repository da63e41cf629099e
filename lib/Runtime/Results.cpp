//===- Results.cpp - what compiled code returns ---------------------------===//

#include "Results.h"
#include "Error.h"
#include <cstring>
#include <set>

using namespace llmc::runtime;

static void *toPointer(int64_t word) {
  return reinterpret_cast<void *>(static_cast<intptr_t>(word));
}

Results::Results(const std::vector<TensorSpec> &specs) : specs(specs) {
  size_t size = 0;
  for (const TensorSpec &spec : specs) {
    starts.push_back(size);
    size += 3 + 2 * spec.shape.size();
  }
  // At least one word, so that there is an address to pass.
  words.resize(std::max<size_t>(size, 1));
}

Results::~Results() {
  std::set<int64_t> freed;
  for (size_t i = 0; i < specs.size(); ++i)
    if (freed.insert(getDescriptor(i)[0]).second)
      std::free(toPointer(getDescriptor(i)[0]));
}

std::vector<OutputTensor> Results::take(const std::vector<void *> &args) {
  std::vector<OutputTensor> outputs;
  for (size_t i = 0; i < specs.size(); ++i) {
    const TensorSpec &spec = specs[i];
    size_t rank = spec.shape.size();
    int64_t *words = getDescriptor(i);
    const int64_t *sizes = words + 3, *strides = sizes + rank;
    auto reject = [&](const auto &...parts) {
      fail(LLMC_ERROR_FORMAT, "the module breaks the artifact format: output '",
           spec.name, "' ", parts...);
    };
    for (size_t j = 0; j < i; ++j)
      if (words[0] && words[0] == getDescriptor(j)[0])
        reject("shares its memory with output '", specs[j].name, "'");
    for (size_t j = 1; j < args.size(); ++j) {
      if (words[0] && words[0] == *static_cast<int64_t *>(args[j])) {
        words[0] = 0;
        reject("is memory of the caller's");
      }
    }
    int64_t bytes;
    if (!computeBytes(spec.dtype, sizes, rank, bytes))
      reject("has no valid shape");
    if (bytes && !words[0])
      reject("was not written");
    int64_t stride = 1;
    for (size_t dim = rank; dim-- > 0;) {
      if (spec.shape[dim] >= 0 && spec.shape[dim] != sizes[dim])
        reject("has the shape ", formatShape(sizes, rank), " instead of ",
               formatShape(spec.shape.data(), rank, spec.symbols.data()));
      if (bytes && sizes[dim] != 1 && strides[dim] != stride)
        reject("is not dense");
      stride *= sizes[dim];
    }
  }
  for (size_t i = 0; i < specs.size(); ++i) {
    int64_t *words = getDescriptor(i);
    size_t rank = specs[i].shape.size();
    char *data = static_cast<char *>(toPointer(words[1])) +
                 words[2] * int64_t(llmc_dtype_size(specs[i].dtype));
    outputs.push_back({&specs[i],
                       std::vector<int64_t>(words + 3, words + 3 + rank),
                       Block(toPointer(words[0])), data});
    words[0] = 0;
  }
  return outputs;
}
