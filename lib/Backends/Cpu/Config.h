//===- Config.h - descriptions of kernels as attributes --------*- C++ -*-===//
//
// A description has a function template `visit(visitor)` that calls the visitor
// with the name of each field and the field; writing and reading share it.
//
//===----------------------------------------------------------------------===//

#ifndef LLMC_LIB_BACKENDS_CPU_CONFIG_H
#define LLMC_LIB_BACKENDS_CPU_CONFIG_H

#include "mlir/IR/Builders.h"
#include <optional>

namespace llmc::cpu {

class ConfigWriter {
public:
  explicit ConfigWriter(mlir::MLIRContext *context) : b(context) {}

  template <typename T>
  static mlir::DictionaryAttr write(mlir::MLIRContext *context,
                                    const T &description) {
    ConfigWriter writer(context);
    T copy(description);
    copy.visit(writer);
    return writer.b.getDictionaryAttr(writer.attributes);
  }

  template <typename T> void operator()(llvm::StringRef name, T &field) {
    attributes.push_back(b.getNamedAttr(name, convert(field)));
  }

private:
  mlir::Attribute convert(int64_t value) { return b.getI64IntegerAttr(value); }
  mlir::Attribute convert(bool value) { return b.getBoolAttr(value); }
  mlir::Attribute convert(float value) { return b.getF32FloatAttr(value); }
  mlir::Attribute convert(const llvm::SmallVector<int64_t> &values) {
    return b.getDenseI64ArrayAttr(values);
  }
  mlir::Attribute convert(const llvm::SmallVector<bool> &values) {
    return b.getDenseBoolArrayAttr(values);
  }
  template <typename T> mlir::Attribute convert(const T &field) {
    if constexpr (std::is_enum_v<T>)
      return b.getStringAttr(toString(field));
    else
      return write(b.getContext(), field);
  }

  mlir::Builder b;
  llvm::SmallVector<mlir::NamedAttribute> attributes;
};

class ConfigReader {
public:
  /// Nothing if a field is missing or of another kind.
  template <typename T>
  static std::optional<T> read(mlir::DictionaryAttr config) {
    if (!config)
      return std::nullopt;
    T description;
    ConfigReader reader{config};
    description.visit(reader);
    if (!reader.ok)
      return std::nullopt;
    return description;
  }

  template <typename T> void operator()(llvm::StringRef name, T &field) {
    ok &= convert(config.get(name), field);
  }

private:
  explicit ConfigReader(mlir::DictionaryAttr config) : config(config) {}

  bool convert(mlir::Attribute attribute, int64_t &field) {
    auto number = llvm::dyn_cast_or_null<mlir::IntegerAttr>(attribute);
    if (number)
      field = number.getInt();
    return bool(number);
  }
  bool convert(mlir::Attribute attribute, bool &field) {
    auto flag = llvm::dyn_cast_or_null<mlir::BoolAttr>(attribute);
    if (flag)
      field = flag.getValue();
    return bool(flag);
  }
  bool convert(mlir::Attribute attribute, float &field) {
    auto number = llvm::dyn_cast_or_null<mlir::FloatAttr>(attribute);
    if (number && number.getType().isF32())
      field = number.getValue().convertToFloat();
    return number && number.getType().isF32();
  }
  bool convert(mlir::Attribute attribute, llvm::SmallVector<int64_t> &field) {
    auto values = llvm::dyn_cast_or_null<mlir::DenseI64ArrayAttr>(attribute);
    if (values)
      field = llvm::SmallVector<int64_t>(values.asArrayRef());
    return bool(values);
  }
  bool convert(mlir::Attribute attribute, llvm::SmallVector<bool> &field) {
    auto values = llvm::dyn_cast_or_null<mlir::DenseBoolArrayAttr>(attribute);
    if (values)
      field = llvm::SmallVector<bool>(values.asArrayRef());
    return bool(values);
  }
  template <typename T> bool convert(mlir::Attribute attribute, T &field) {
    if constexpr (std::is_enum_v<T>) {
      auto name = llvm::dyn_cast_or_null<mlir::StringAttr>(attribute);
      return name && fromString(name.getValue(), field);
    } else {
      std::optional<T> nested =
          read<T>(llvm::dyn_cast_or_null<mlir::DictionaryAttr>(attribute));
      if (nested)
        field = *nested;
      return nested.has_value();
    }
  }

  mlir::DictionaryAttr config;
  bool ok = true;
};

} // namespace llmc::cpu

#endif // LLMC_LIB_BACKENDS_CPU_CONFIG_H
