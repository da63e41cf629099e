//===- Blobs.cpp - the bytes behind params --------------------------------===//

#include "llmc/Weights/Blobs.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace llmc;

std::optional<int64_t> llmc::getByteSize(ShapedType type) {
  if (!type.hasStaticShape())
    return std::nullopt;
  // A bool takes a byte, as in ONNX.
  int64_t bits =
      type.getElementType().isInteger(1) ? 8 : type.getElementTypeBitWidth();
  for (int64_t size : type.getShape())
    if (llvm::MulOverflow(bits, size, bits))
      return std::nullopt;
  return llvm::divideCeil(bits, 8);
}

/// What compiled kernels like best; a blob has it when its bytes happen to.
static constexpr size_t preferredAlignment = 64;

static bool isAligned(ArrayRef<char> data, size_t alignment) {
  return reinterpret_cast<uintptr_t>(data.data()) % alignment == 0;
}

static AsmResourceBlob makeBlob(ArrayRef<char> data, size_t alignment,
                                AsmResourceBlob::DeleterFn deleter) {
  if (!isAligned(data, alignment)) {
    AsmResourceBlob copy = HeapAsmResourceBlob::allocateAndCopyWithAlign(
        data, preferredAlignment, /*dataIsMutable=*/false);
    deleter(const_cast<char *>(data.data()), data.size(), alignment);
    return copy;
  }
  while (alignment < preferredAlignment && isAligned(data, 2 * alignment))
    alignment *= 2;
  return UnmanagedAsmResourceBlob::allocateWithAlign(data, alignment,
                                                     std::move(deleter));
}

AsmResourceBlob llmc::makeBlob(ArrayRef<char> data, size_t alignment,
                               std::shared_ptr<const void> owner) {
  return ::makeBlob(data, alignment,
                    [owner = std::move(owner)](void *, size_t, size_t) mutable {
                      owner.reset();
                    });
}

AsmResourceBlob llmc::makeBlob(ArrayRef<char> slice, size_t alignment,
                               std::shared_ptr<const MappedFile> file) {
  return ::makeBlob(
      slice, alignment,
      [file = std::move(file)](void *data, size_t size, size_t) mutable {
        if (file)
          file->release({static_cast<const char *>(data), size});
        file.reset();
      });
}

DenseResourceElementsAttr llmc::makeResource(RankedTensorType type,
                                             StringRef name,
                                             AsmResourceBlob blob) {
  auto &manager =
      DenseResourceElementsHandle::getManagerInterface(type.getContext());
  return DenseResourceElementsAttr::get(type,
                                        manager.insert(name, std::move(blob)));
}

ArrayRef<char> llmc::getBytes(DenseResourceElementsAttr resource) {
  AsmResourceBlob *blob = resource.getRawHandle().getBlob();
  return blob ? blob->getData() : ArrayRef<char>();
}

void llmc::freeBytes(DenseResourceElementsAttr resource) {
  DenseResourceElementsHandle handle = resource.getRawHandle();
  if (!handle.getBlob())
    return;
  auto &manager =
      DenseResourceElementsHandle::getManagerInterface(resource.getContext());
  manager.getBlobManager().update(
      handle.getKey(), UnmanagedAsmResourceBlob::allocateWithAlign({}, 1));
}

void llmc::eraseParam(ParamOp param) {
  auto resource = dyn_cast<DenseResourceElementsAttr>(param.getValue());
  param.erase();
  if (resource)
    freeBytes(resource);
}

void llmc::replaceValue(ParamOp param, ElementsAttr value) {
  auto old = dyn_cast<DenseResourceElementsAttr>(param.getValue());
  param.setValueAttr(value);
  if (old && old != value)
    freeBytes(old);
}

unsigned llmc::eraseUnusedParams(ModuleOp module) {
  llvm::DenseSet<StringAttr> used;
  module.walk([&](Operation *op) {
    op->getAttrDictionary().walk(
        [&](FlatSymbolRefAttr reference) { used.insert(reference.getAttr()); });
  });
  unsigned count = 0;
  for (ParamOp param : llvm::make_early_inc_range(module.getOps<ParamOp>()))
    if (!used.contains(param.getSymNameAttr())) {
      eraseParam(param);
      ++count;
    }
  return count;
}
