//===- BufferGroup.h - buffers in one allocation ---------------*- C++ -*-===//

#ifndef LLMC_LIB_BACKENDS_CPU_BUFFERGROUP_H
#define LLMC_LIB_BACKENDS_CPU_BUFFERGROUP_H

#include "KernelBuilder.h"

namespace llmc::cpu {

/// Buffers of known sizes that are allocated together.
class BufferGroup {
public:
  /// `buffer` becomes `size` elements when all are allocated. Returns where it
  /// is, for other views of it.
  int64_t add(Value &buffer, mlir::Type element, int64_t size) {
    int64_t place = bytes;
    bytes += int64_t(llvm::alignTo(
        uint64_t(size) * element.getIntOrFloatBitWidth() / 8, 64));
    addView(buffer, element, size, place);
    return place;
  }
  void addView(Value &buffer, mlir::Type element, int64_t size, int64_t place) {
    views.push_back({&buffer, element, size, place});
  }

  void allocate(KernelBuilder &k) {
    memory = k.allocate(k.i8(), k.index(bytes));
    for (const View &view : views)
      *view.buffer =
          k.view(memory, view.element, k.index(view.size), view.place);
  }
  void release(KernelBuilder &k) { k.release(memory); }

private:
  struct View {
    Value *buffer;
    mlir::Type element;
    int64_t size, place;
  };

  llvm::SmallVector<View> views;
  int64_t bytes = 0;
  Value memory;
};

} // namespace llmc::cpu

#endif // LLMC_LIB_BACKENDS_CPU_BUFFERGROUP_H
