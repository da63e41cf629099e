//===- CostModel.cpp - how long kernels take ------------------------------===//

#include "CostModel.h"
#include "DotSums.h"
#include <cmath>
#include <limits>

using namespace llmc;
using namespace llmc::cpu;

namespace {
/// Bytes per second that a core reads from memory while its neighbours do. Of
/// two cores of an EPYC of the fourth generation (Zen 4) each got 17e9 when
/// other tenants of the machine were busy, and 30e9 when not.
constexpr double bandwidth = 20e9;

/// Cycles per second. The same machine has 3.45e9, of which kernels use nine
/// in ten.
constexpr double frequency = 3.1e9;

/// Seconds until a launch has its result allocated, its threads started and
/// joined: what one of a weight of a few kilobytes takes there.
constexpr double launch = 5e-6;

/// Vector instructions that a cycle begins, and multiplications among them.
/// Zen 4 splits vectors of 512 bits among its four units of 256, two of which
/// multiply; servers of Intel have two units of 512 bits. Elsewhere a vector
/// is two of 128 bits.
struct Units {
  double instructions, products;
};
Units getUnits(const Isa &isa) {
  if (isa.lanes < 16 && isa.hasPermute)
    return {3, 2};
  return {2, 1};
}

/// Instructions for the sum of a block and its scale: products and others for
/// each row, and others for each tile. A lookup has one product for each row.
constexpr double scaleProducts = 2, scaleOthers = 2, scaleTile = 3;

/// Cycles of AMX for 16 rows of x and of outputs: a step along 64 bytes of a
/// row, with what it loads, and the sums of a block, which go through memory.
/// On a Sapphire Rapids, linears of TinyLlama's shape took 66 a step in bf16,
/// 90 for a block of one step and 150 for one of two.
constexpr double tileRows = 16, tileBytes = 64, tileStep = 60, tileBlock = 30;

/// Rows that cost as much as fewer do.
constexpr double fewTileRows = 4;

/// Vector instructions that put four columns of a sparse weight together.
constexpr double spreadQuad = 12;

/// Vector instructions for each vector of x that is rounded, or summed up.
constexpr double roundRow = 12, sumRow = 2;

/// Scalar instructions of an embedding for each number: for each plane of its
/// bits, and besides. A core does four in a cycle.
constexpr double planeNumber = 6, restNumber = 4, scalarUnits = 4;

/// Vector instructions of an exponential.
constexpr double exponential = 15;

/// Reading and computing overlap, but not all the time.
double overlap(double a, double b) { return std::hypot(a, b); }
} // namespace

/// Rows that a tile unpacks a weight for; see LinearKernel.cpp.
static int64_t getTileRows(const PanelLayout &layout, const Isa &isa) {
  if (isa.registers == 0)
    return 2;
  int64_t rows = isa.registers >= 32 ? 12 : 5;
  return layout.isDense() ? rows : rows / 2;
}

/// Bytes that a panel takes with its scales and zero points.
static double getPanelBytes(const PanelLayout &layout) {
  if (layout.isDense())
    return double(layout.getPanelElements() * getFloatBytes(layout.format));
  double numbers = double(layout.getNumBlocks() * layout.lanes);
  double bytes = 4.0 * double(layout.getPanelElements());
  if (layout.rowScales)
    bytes += numbers + 4.0 * double(layout.lanes);
  else if (layout.hasScales)
    bytes += numbers * (layout.halfScales ? 2 : 4);
  if (layout.hasZeros)
    bytes += numbers * (!layout.floatZeros ? 1 : layout.halfZeros ? 2 : 4);
  if (layout.codebook == Codebook::Row || layout.codebook == Codebook::Panel)
    bytes += 4.0 * double(layout.getTableElements());
  return bytes;
}

double CostModel::getTime(double products, double others) const {
  Units units = getUnits(isa);
  return std::max(products / units.products,
                  (products + others) / units.instructions) /
         frequency;
}

CostModel::Step CostModel::getStep(const PanelLayout &layout,
                                   bool integers) const {
  // What widens a dense weight loads it, too.
  if (layout.isDense())
    return {1, 0, layout.format == FloatFormat::F32 ? 0.0 : 1.0};
  Step step{1, 0, 0};
  if (layout.isSparse) {
    // Half the products, of columns that are selected first, by units that
    // multiply bytes as well; or columns that are put together.
    if (integers && DotSums::selectsColumns(isa, layout))
      return isa.dot == Dot::Avx2 ? Step{1.5, 0.5, 5} : Step{1, 0, 2.25};
    if (!integers && isa.selectsLanes())
      return {0.5, 0.5, 2.5};
    step.unpacking = spreadQuad / (integers ? 1 : 4);
  }
  // A shift and a mask for each plane, and what puts planes together.
  auto planes = double(layout.getPlanes().size());
  if (!(integers && layout.bits == 8))
    step.unpacking += 2 * planes + 2 * (planes - 1);
  if (integers) {
    bool isByte = layout.bits == 8;
    if (isa.dot == Dot::Words || (isa.dot == Dot::Halves && isByte))
      step = {8, 12, step.unpacking};
    else if (isa.dot == Dot::Halves)
      step = {2, 1.5, step.unpacking};
    else if (isa.dot == Dot::Avx2)
      step = {2, isByte ? 2.0 : 1.0, step.unpacking + (isByte ? 2 : 0)};
  } else if (!layout.isLookup()) {
    step.unpacking += 1;
  } else {
    auto tables = double(layout.getTableEntries()) / double(layout.lanes);
    bool fits = isa.hasPermute && layout.codebook != Codebook::Row;
    step.unpacking += fits && tables <= 4 ? 2 * tables - 1 : 2.0 * layout.lanes;
  }
  return step;
}

double CostModel::getTileTime(const PanelLayout &layout, double panels,
                              double rows, Products kind, int64_t step) const {
  auto stored = double(step ? step : layout.getStoredBlock());
  double blocks = std::ceil(double(layout.getStoredColumns()) / stored);
  double cycles = std::numeric_limits<double>::infinity();
  if (kind == Products::Pairs && isa.hasPairTiles && isa.lanes == 16 &&
      layout.columns % 32 == 0)
    cycles = std::max(rows, fewTileRows) / tileRows * double(layout.columns) *
             2 / tileBytes * tileStep;
  else if (kind == Products::Integers && isa.hasTiles && isa.lanes == 16)
    cycles = std::ceil(rows / tileRows) * blocks *
             (std::ceil(stored / tileBytes) * tileStep + tileBlock);
  return panels * cycles / frequency;
}

double CostModel::getLinear(const PanelLayout &layout, int64_t outputs,
                            int64_t rows, Products kind, int64_t step) const {
  bool integers = kind == Products::Integers;
  auto panels = double(layout.getNumPanels(outputs)), m = double(rows),
       columns = double(layout.getStoredColumns());
  double tiles = std::ceil(m / double(getTileRows(layout, isa)));
  Step ofLoop = getStep(layout, integers);
  double steps = panels * columns / (integers ? 4 : 1);
  double products = steps * m * ofLoop.products;
  double others = steps * (m * ofLoop.additions + tiles * ofLoop.unpacking);
  // Instructions that prepare x.
  double preparing = 0;
  if (!layout.isDense()) {
    double blocks = panels * double(layout.getNumBlocks());
    products += blocks * m * (layout.isLookup() ? 1 : scaleProducts);
    others += blocks *
              (tiles * scaleTile + (layout.isLookup() ? 0 : m * scaleOthers));
    if (integers || !layout.isLookup())
      preparing =
          m * columns / double(isa.lanes) * (integers ? roundRow : sumRow);
  }
  // A result is read before it is written, by whole lines of a cache.
  double bytes = panels * getPanelBytes(layout) +
                 4 * m * (double(layout.columns) + 2 * double(outputs));
  // Few rows of integers are multiplied in vectors.
  double computing = std::min(getTime(products, others + preparing),
                              getTime(0, preparing) +
                                  getTileTime(layout, panels, m, kind, step));
  return launch + overlap(bytes / bandwidth, computing);
}

double CostModel::getEmbedding(const PanelLayout &layout, int64_t rows) const {
  // A number of a row is next to those of the other rows of its panel: all of
  // the panel's lines of a cache are read.
  double bytes = double(rows) * getPanelBytes(layout);
  double instructions = 1;
  if (!layout.isDense())
    instructions = planeNumber * double(layout.getPlanes().size()) + restNumber;
  double numbers = double(rows) * double(layout.columns);
  return overlap(bytes / bandwidth,
                 numbers * instructions / scalarUnits / frequency);
}

double CostModel::getAttention(const AttentionSpec &spec, int64_t rows,
                               int64_t keys) const {
  auto m = double(rows), n = double(keys), lanes = double(isa.lanes),
       size = double(spec.headSize + spec.valueSize);
  // Of the keys that a query reads.
  double read = spec.causal ? std::max(n - (m - 1) / 2, 1.0) : n;
  if (spec.window > 0)
    read = std::min(read, double(spec.window));
  double pairs = double(spec.heads) * m * read / lanes, products = pairs * size;
  if (canUsePairTiles(spec, isa))
    products *= tileStep / (tileRows * tileBytes / 2);
  else if (canUsePairs(spec, isa))
    products /= 2;
  double bytes =
      4 * size * (double(spec.keyHeads) * n + double(spec.heads) * m);
  return launch +
         overlap(bytes / bandwidth, getTime(products, pairs * exponential));
}
