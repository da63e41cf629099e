//===- Tensor.h - element types, specs and buffers -------------*- C++ -*-===//

#ifndef LLMC_LIB_RUNTIME_TENSOR_H
#define LLMC_LIB_RUNTIME_TENSOR_H

#include "llmc/Runtime/llmc.h"
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

namespace llmc::runtime {

/// The type of a manifest's name; false for no such type.
bool parseDType(const std::string &name, llmc_dtype &dtype);

/// The bytes of a tensor; false if a dimension is negative or the product
/// does not fit.
bool computeBytes(llmc_dtype dtype, const int64_t *shape, size_t rank,
                  int64_t &bytes);

/// "[2, 3]", with names where `symbols` has them.
std::string formatShape(const int64_t *shape, size_t rank,
                        const char *const *symbols = nullptr);

/// An input, output or state of a model.
struct TensorSpec {
  std::string name;
  llmc_dtype dtype;
  /// -1 where the size may vary.
  std::vector<int64_t> shape;
  /// One interned name per dimension, "" for none: equal names are equal
  /// pointers.
  std::vector<const char *> symbols;
  int32_t axis = -1;

  bool isNamed(size_t dim) const { return symbols[dim][0] != 0; }
};

struct FreeDeleter {
  void operator()(void *pointer) const { std::free(pointer); }
};
/// Memory of malloc's family: compiled code allocates its results so.
using Block = std::unique_ptr<void, FreeDeleter>;

/// Zeroed, aligned to a cache line, never null.
Block allocateBlock(int64_t bytes);

/// What compiled code takes for an argument and fills for a result: a memref
/// descriptor {allocated, aligned, offset, sizes, strides} as machine words.
class Descriptor {
public:
  Descriptor(void *data, const int64_t *shape, size_t rank);
  void *get() { return words.data(); }

private:
  std::vector<int64_t> words;
};

/// A result of compiled code.
struct OutputTensor {
  const TensorSpec *spec;
  std::vector<int64_t> shape;
  Block block;
  /// Inside `block`.
  void *data;
};

} // namespace llmc::runtime

#endif // LLMC_LIB_RUNTIME_TENSOR_H
