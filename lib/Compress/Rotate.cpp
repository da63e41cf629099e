//===- Rotate.cpp - hidden states without outliers ------------------------===//

#include "HeadTrace.h"
#include "ResidualStream.h"
#include "Rotation.h"
#include "UnitPruner.h"
#include "llmc/Compress/Passes.h"
#include "llmc/Weights/Blobs.h"
#include "mlir/IR/Remarks.h"
#include "llvm/Support/Regex.h"
#include <cmath>

namespace llmc {
#define GEN_PASS_DEF_ROTATE
#include "llmc/Compress/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

namespace {
struct Rotate : llmc::impl::RotateBase<Rotate> {
  using RotateBase::RotateBase;

  LogicalResult initialize(MLIRContext *context) override {
    return verifySkip(context, getArgument(), skip);
  }
  void runOnOperation() override;

private:
  void rotateStreams(std::mt19937_64 &random);
  void rotateHeads(AttentionOp attention, std::mt19937_64 &random);
  /// Why the values of an attention cannot be rotated, or nothing.
  std::string findHeads(AttentionOp attention, HeadWeight &value,
                        HeadWeight &output);
  void keep(AttentionOp attention, const Twine &reason);
  Rotation makeRotation(Operation *place, StringRef what, int64_t size,
                        std::mt19937_64 &random);
  mlir::remark::detail::InFlightRemark remark(Location location);

  bool hasFailed = false;
  /// Sizes that a remark was about.
  llvm::SmallDenseSet<int64_t> reported;
};
} // namespace

mlir::remark::detail::InFlightRemark Rotate::remark(Location location) {
  return mlir::remark::passed(
      location,
      mlir::remark::RemarkOpts::name(getArgument()).category(compressRemarks));
}

Rotation Rotate::makeRotation(Operation *place, StringRef what, int64_t size,
                              std::mt19937_64 &random) {
  Rotation rotation = Rotation::create(size, random);
  if (!rotation.isHadamard && reported.insert(size).second)
    place->emitRemark() << what << " of " << size
                        << " elements are rotated by random orthogonal "
                           "matrices: no Hadamard matrix of that size is known";
  return rotation;
}

void Rotate::rotateStreams(std::mt19937_64 &random) {
  int64_t skipped = 0;
  for (ResidualStream &stream :
       findResidualStreams(getOperation(), {"rotated", true, skip, strict},
                           skipped, hasFailed)) {
    EmbeddingOp source = stream.sources.front().op;
    std::string name = stream.getName().str();
    Rotation rotation =
        makeRotation(source, "residual streams", stream.width, random);
    for (ResidualStream::Segment &segment : stream.segments)
      segment.basis = &rotation.matrix;
    ResidualStream::Change change = stream.apply(nullptr);
    ++numStreams;
    using mlir::remark::metric;
    remark(source.getLoc())
        << metric("param", name) << metric("width", stream.width)
        << metric("rotation", rotation.isHadamard ? "hadamard" : "random")
        << metric("linears", change.numInserted)
        << metric("bytes_before", change.bytesBefore)
        << metric("bytes_after", change.bytesAfter);
  }
  numSkipped += skipped;
}

void Rotate::keep(AttentionOp attention, const Twine &reason) {
  ++numSkipped;
  hasFailed |= strict;
  (strict ? attention->emitError() : attention->emitRemark())
      << "the values of 'llmc.attention' op are not rotated: " << reason;
}

std::string Rotate::findHeads(AttentionOp attention, HeadWeight &value,
                              HeadWeight &output) {
  constexpr StringLiteral advice = "rotate heads before weights are quantized";
  for (Value operand : {attention.getQuery(), attention.getValue()})
    for (int64_t axis : {1, 3})
      if (cast<RankedTensorType>(operand.getType()).isDynamicDim(axis))
        return "its heads have sizes that are not known";
  std::string problem = value.findRows(attention.getValue(), "values", advice);
  if (problem.empty() && (value.rope || value.isNormalized))
    problem = "they are rotated by positions or normalized";
  if (problem.empty())
    problem = output.findColumns(attention, advice);
  if (!problem.empty())
    return problem;
  if (value.matrix.param == output.matrix.param)
    return "one weight makes and reads them";
  // What else reads these weights, or what is between.
  int64_t heads = attention.getQuery().getType().getDimSize(1),
          groups = attention.getKey().getType().getDimSize(1);
  if (ShapedType::isDynamic(groups))
    return "its heads have sizes that are not known";
  ModelUses uses(getOperation());
  UnitGroup whole(uses);
  UnitMap units(heads);
  for (int64_t i = 0; i < heads; ++i)
    units[i] = i / (heads / groups);
  if (failed(whole.follow(attention.getResult(), 1, units)))
    return whole.getObstacle().str();
  if (whole.getAttentions().size() != 1 || whole.getConsumers().size() != 1)
    return "another op shares some of its weights";
  return {};
}

void Rotate::rotateHeads(AttentionOp attention, std::mt19937_64 &random) {
  HeadWeight value, output;
  std::string problem = findHeads(attention, value, output);
  if (!skip.empty()) {
    llvm::Regex skipped(skip);
    for (ParamOp param : {value.matrix.param, output.matrix.param})
      if (param && skipped.match(param.getSymName()))
        return;
  }
  if (!problem.empty())
    return keep(attention, problem);
  int64_t size = attention.getType().getDimSize(3),
          groups = value.places.size() / size,
          heads = output.places.size() / size;
  Matrix<float> rows = readMatrix(value.matrix),
                columns = readMatrix(output.matrix), oldRows = rows,
                oldColumns = columns;
  std::vector<float> bias;
  FloatFormat format = FloatFormat::F32;
  if (value.bias) {
    SmallVector<char> copy;
    const char *data = getParamBytes(value.bias, copy).data();
    format = *getFloatFormat(value.bias.getType().getElementType());
    for (int64_t i = 0; i < rows.rows; ++i)
      bias.push_back(loadFloat(data, format, i));
  }
  std::vector<float> oldBias = bias;
  // What the output linear reads is multiplied by this.
  Matrix<float> map(columns.columns, columns.columns);
  for (int64_t group = 0; group < groups; ++group) {
    Matrix<float> q = makeRotation(attention, "heads", size, random).matrix;
    for (int64_t i = 0; i < size; ++i) {
      int64_t to = value.places[group * size + i];
      auto row =
          MutableArrayRef(rows.values).slice(to * rows.columns, rows.columns);
      llvm::fill(row, 0);
      if (!bias.empty())
        bias[to] = 0;
      for (int64_t k = 0; k < size; ++k) {
        int64_t from = value.places[group * size + k];
        for (int64_t j = 0; j < rows.columns; ++j)
          row[j] += q(k, i) * oldRows(from, j);
        if (!bias.empty())
          bias[to] += q(k, i) * oldBias[from];
      }
    }
    int64_t each = heads / groups;
    for (int64_t head = group * each; head < (group + 1) * each; ++head)
      for (int64_t i = 0; i < size; ++i)
        for (int64_t k = 0; k < size; ++k)
          map(output.places[head * size + i], output.places[head * size + k]) =
              q(k, i);
  }
  columns = product(oldColumns, false, map, true);
  writeMatrix(value.matrix, rows);
  writeMatrix(output.matrix, columns);
  if (value.bias) {
    auto bytes = std::make_shared<std::vector<char>>(bias.size() *
                                                     getFloatBytes(format));
    for (auto [i, number] : llvm::enumerate(bias))
      storeFloat(bytes->data(), format, i, number);
    replaceValue(value.bias,
                 makeResource(value.bias.getType(), value.bias.getSymName(),
                              makeBlob(*bytes, alignof(float), bytes)));
  }
  Statistics &statistics = Statistics::of(&getContext());
  StringRef name = output.matrix.param.getSymName();
  if (Statistics::Input input = statistics.lookup(name);
      input && input->columns == columns.columns)
    statistics.set(name, input->multiplied(map));
  ++numHeads;
  using mlir::remark::metric;
  remark(attention.getLoc())
      << metric("param", value.matrix.param.getSymName())
      << metric("output", name) << metric("heads", groups)
      << metric("width", size);
}

void Rotate::runOnOperation() {
  hasFailed = false;
  reported.clear();
  std::mt19937_64 random(seed);
  if (stream)
    rotateStreams(random);
  SmallVector<AttentionOp> attentions;
  if (heads)
    getOperation().walk([&](AttentionOp op) { attentions.push_back(op); });
  for (AttentionOp attention : attentions)
    rotateHeads(attention, random);
  if (hasFailed)
    signalPassFailure();
}
