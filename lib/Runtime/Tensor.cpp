//===- Tensor.cpp - element types, specs and buffers ----------------------===//

#include "Tensor.h"
#include "llmc/Runtime/ArtifactFormat.h"
#include <algorithm>
#include <cstring>
#include <new>

using namespace llmc::runtime;

namespace {
struct DTypeRow {
  const char *name;
  llmc_dtype dtype;
  size_t size;
};
constexpr DTypeRow dtypes[] = {
#define LLMC_ROW(name, suffix, size) {name, LLMC_##suffix, size},
    LLMC_ARTIFACT_DTYPES(LLMC_ROW)
#undef LLMC_ROW
};

const DTypeRow *findRow(llmc_dtype dtype) {
  for (const DTypeRow &row : dtypes)
    if (row.dtype == dtype)
      return &row;
  return nullptr;
}
} // namespace

const char *llmc_dtype_name(llmc_dtype dtype) {
  const DTypeRow *row = findRow(dtype);
  return row ? row->name : nullptr;
}

size_t llmc_dtype_size(llmc_dtype dtype) {
  const DTypeRow *row = findRow(dtype);
  return row ? row->size : 0;
}

bool llmc::runtime::parseDType(const std::string &name, llmc_dtype &dtype) {
  for (const DTypeRow &row : dtypes) {
    if (name == row.name) {
      dtype = row.dtype;
      return true;
    }
  }
  return false;
}

bool llmc::runtime::computeBytes(llmc_dtype dtype, const int64_t *shape,
                                 size_t rank, int64_t &bytes) {
  int64_t product = int64_t(llmc_dtype_size(dtype));
  // A zero must not hide an overflow elsewhere: strides are products too.
  bool empty = false;
  for (size_t dim = 0; dim < rank; ++dim) {
    if (shape[dim] < 0)
      return false;
    empty |= shape[dim] == 0;
    if (__builtin_mul_overflow(product, std::max<int64_t>(shape[dim], 1),
                               &product))
      return false;
  }
  bytes = empty ? 0 : product;
  return true;
}

std::string llmc::runtime::formatShape(const int64_t *shape, size_t rank,
                                       const char *const *symbols) {
  std::string text = "[";
  for (size_t dim = 0; dim < rank; ++dim) {
    if (dim)
      text += ", ";
    if (symbols && symbols[dim][0])
      text += symbols[dim];
    else
      text += shape[dim] < 0 ? "?" : std::to_string(shape[dim]);
  }
  return text + "]";
}

Block llmc::runtime::allocateBlock(int64_t bytes) {
  void *memory = nullptr;
  size_t size = std::max<size_t>(size_t(bytes), 1);
  if (posix_memalign(&memory, 64, size) != 0)
    throw std::bad_alloc();
  std::memset(memory, 0, size);
  return Block(memory);
}

Descriptor::Descriptor(void *data, const int64_t *shape, size_t rank)
    : words(3 + 2 * rank) {
  words[0] = words[1] = int64_t(reinterpret_cast<intptr_t>(data));
  int64_t stride = 1;
  for (size_t dim = rank; dim-- > 0;) {
    words[3 + dim] = shape[dim];
    words[3 + rank + dim] = stride;
    stride *= std::max<int64_t>(shape[dim], 1);
  }
}
