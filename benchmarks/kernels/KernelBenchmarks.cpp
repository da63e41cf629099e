//===- KernelBenchmarks.cpp - single kernels under Google Benchmark -------===//
//
//   llmc-kernel-benchmarks [--benchmark_filter=REGEX] ...
//
// runs on as many threads as OMP_NUM_THREADS says, or all cores.
// Names are KERNEL/SHAPE/FORMAT/COUNT, such as
// linear/2048x5632/int4-g32-a8/M:1. Parameters, or keys and values, lie in
// memory: each run reads other copies than the last ones, more than the caches
// hold. Rows that end in /cached read the same ones again. docs/benchmarks.md
// explains the counters.
//
//===----------------------------------------------------------------------===//

#include "../suite/machine.h"
#include "Kernel.h"
#include "Modules.h"
#include "llvm/Support/FormatVariadic.h"
#include <benchmark/benchmark.h>
#include <climits>
#include <cmath>
#include <functional>
#include <malloc.h>
#include <random>
#include <thread>

using namespace llmc;
using namespace llmc::benchmarks;
using benchmark::Counter;
using llvm::formatv;

static constexpr Shape linearShapes[] = {
    {2048, 5632}, {576, 1536}, {2048, 32000}};
static constexpr int64_t counts[] = {1, 4, 16, 128, 512};

namespace {
/// What one run does.
struct Work {
  double bytes = 0;       ///< that it reads and writes
  double operations = 0;  ///< two for each multiply-add
  bool isInteger = false; ///< these are of 8 bits
};

class Suite {
public:
  Suite(const machine_limits &limits) : limits(limits) {
    for (const benchmark::CPUInfo::CacheInfo &cache :
         benchmark::CPUInfo::Get().caches)
      cacheBytes = std::max<double>(cacheBytes, cache.size);
  }

  void addLinear(const Shape &shape, const Format &format);
  void addEmbedding(const Shape &shape, const Format &format);
  void addAttention(const Attention &attention, int64_t keys,
                    llvm::ArrayRef<int64_t> queries);

private:
  using Inputs = std::vector<llvm::SmallVector<HostTensor>>;

  void add(const std::string &name,
           std::function<void(benchmark::State &)> run) {
    benchmark::RegisterBenchmark(
        name.c_str(),
        [run = std::move(run)](benchmark::State &state) { run(state); })
        ->UseRealTime()
        ->Unit(benchmark::kMicrosecond);
  }

  /// The kernel of `text`, or null if the benchmark fails for lack of one. The
  /// last one is kept: Google Benchmark asks several times.
  Kernel *compile(benchmark::State &state, const std::string &text) {
    if (text != lastText) {
      last.reset();
      lastText = text;
      auto kernel = Kernel::create(text, counts);
      if (!kernel)
        lastError = llvm::toString(kernel.takeError());
      else
        last = std::move(*kernel);
    }
    if (!last)
      state.SkipWithError(lastError.c_str());
    return last.get();
  }

  /// How many copies of `bytes` exceed the caches twofold.
  size_t getCopies(double bytes, bool isCached) const {
    return isCached ? 1 : size_t(std::ceil(2 * cacheBytes / bytes)) + 1;
  }

  void measure(benchmark::State &state, Kernel &kernel, const Inputs &inputs,
               const Work &work, double cost, bool isCached) {
    // Threads start, and results get their pages.
    for (int i = 0; i != 2; ++i)
      kernel.run(inputs.back());
    size_t next = 0;
    for (auto _ : state) {
      kernel.run(inputs[next]);
      next = next + 1 == inputs.size() ? 0 : next + 1;
    }
    auto rate = Counter::kIsIterationInvariantRate;
    if (!isCached)
      state.counters["predicted"] = cost * 1e6;
    state.counters["GB/s"] = Counter(work.bytes * 1e-9, rate);
    double peak =
        work.isInteger ? limits.int8_gop_per_s : limits.fp32_gop_per_s;
    double arithmetic = work.operations * 1e-9 / peak;
    if (work.operations != 0)
      state.counters["GOP/s"] = Counter(work.operations * 1e-9, rate);
    if (peak == 0) {
      state.SetLabel("no peak: int8 products are not known for this machine");
      return;
    }
    double reading = isCached ? 0 : work.bytes * 1e-9 / limits.read_gb_per_s;
    state.counters["roofline"] = Counter(std::max(arithmetic, reading), rate);
    state.SetLabel(isCached               ? "of arithmetic, in cache"
                   : reading > arithmetic ? "of bandwidth"
                                          : "of arithmetic");
  }

  HostTensor random(mlir::Type type, llvm::ArrayRef<int64_t> shape) {
    HostTensor tensor = HostTensor::allocate(type, shape);
    auto *floats = static_cast<float *>(tensor.data.get());
    std::generate_n(floats, tensor.getNumElements(), [&] {
      return std::uniform_real_distribution<float>(-1, 1)(generator);
    });
    return tensor;
  }

  machine_limits limits;
  double cacheBytes = 0;
  std::minstd_rand generator{1};
  std::string lastText, lastError;
  std::unique_ptr<Kernel> last;
};
} // namespace

void Suite::addLinear(const Shape &shape, const Format &format) {
  auto run = [=](benchmark::State &state, int64_t rows, bool isCached) {
    Kernel *kernel = compile(state, getLinear(shape, format));
    if (!kernel)
      return;
    double params = double(kernel->getParamBytes());
    kernel->setCopies(getCopies(params, isCached));
    Work work;
    work.bytes =
        params + 4.0 * double(rows) * double(shape.columns + shape.rows);
    work.operations = 2.0 * double(rows) * double(shape.columns * shape.rows);
    work.isInteger = format.rounded;
    measure(state, *kernel,
            {{random(kernel->inputs()[0].elementType, {rows, shape.columns})}},
            work, kernel->getCost(rows), isCached);
  };
  std::string name = formatv("linear/{0}/{1}/M:", shape.getName(), format.name);
  for (int64_t rows : counts)
    add(name + std::to_string(rows),
        [=](benchmark::State &state) { run(state, rows, false); });
  // With room for scales and activations.
  if (double(shape.columns * shape.rows * format.bits) / 8 < cacheBytes / 2)
    add(name + "1/cached",
        [=](benchmark::State &state) { run(state, 1, true); });
}

void Suite::addEmbedding(const Shape &shape, const Format &format) {
  for (int64_t rows : {1, 512})
    add(formatv("embedding/{0}/{1}/ids:{2}", shape.getName(), format.name,
                rows),
        [=](benchmark::State &state) {
          Kernel *kernel = compile(state, getEmbedding(shape, format));
          if (!kernel)
            return;
          double row = double(kernel->getParamBytes()) / double(shape.rows);
          Work work;
          work.bytes = double(rows) * (row + 4.0 * double(shape.columns));
          // Each run has other rows, all over the table.
          Inputs inputs(getCopies(double(rows) * row, false));
          inputs.resize(std::min<size_t>(inputs.size(), 4096));
          for (llvm::SmallVector<HostTensor> &input : inputs) {
            input.push_back(
                HostTensor::allocate(kernel->inputs()[0].elementType, {rows}));
            std::generate_n(static_cast<int64_t *>(input[0].data.get()), rows,
                            [&] { return int64_t(generator()) % shape.rows; });
          }
          measure(state, *kernel, inputs, work, kernel->getCost(rows), false);
        });
}

void Suite::addAttention(const Attention &attention, int64_t keys,
                         llvm::ArrayRef<int64_t> queries) {
  for (int64_t rows : queries)
    add(formatv("attention/{0}/keys:{1}/queries:{2}", attention.name, keys,
                rows),
        [=](benchmark::State &state) {
          Kernel *kernel = compile(state, getAttention(attention, keys));
          if (!kernel)
            return;
          auto [name, heads, keyHeads, size, isBF16] = attention;
          double ofKeys = 2.0 * 4.0 * double(keyHeads * keys * size);
          Work work;
          work.bytes = ofKeys + 2.0 * 4.0 * double(heads * rows * size);
          // Query i reads the keys up to its own position.
          double pairs = double(rows) * (double(keys) - double(rows - 1) / 2);
          work.operations = 2.0 * 2.0 * double(heads * size) * pairs;
          mlir::Type type = kernel->inputs()[0].elementType;
          HostTensor query = random(type, {1, heads, rows, size});
          Inputs inputs(getCopies(ofKeys, false));
          for (llvm::SmallVector<HostTensor> &input : inputs)
            input = {query, random(type, {1, keyHeads, keys, size}),
                     random(type, {1, keyHeads, keys, size})};
          measure(state, *kernel, inputs, work, kernel->getCost(rows), false);
        });
}

/// The best of several samples: others can only make the machine slower.
static machine_limits measureMachine(int threads) {
  machine_limits best{};
  for (int i = 0; i != 5; ++i) {
    machine_limits limits;
    if (machine_measure(threads, size_t(512) << 20, &limits) != 0)
      llvm::report_fatal_error("no memory to measure the bandwidth with");
    best.read_gb_per_s = std::max(best.read_gb_per_s, limits.read_gb_per_s);
    best.fp32_gop_per_s = std::max(best.fp32_gop_per_s, limits.fp32_gop_per_s);
    best.int8_gop_per_s = std::max(best.int8_gop_per_s, limits.int8_gop_per_s);
  }
  return best;
}

int main(int argc, char **argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv))
    return 2;
  const char *wanted = std::getenv("OMP_NUM_THREADS");
  int threads = wanted ? std::max(std::atoi(wanted), 1)
                       : int(std::thread::hardware_concurrency());
  // Results of every run are in the same memory: the kernel is what is timed,
  // not the system that hands out pages.
  if (!mallopt(M_MMAP_THRESHOLD, 1 << 30) ||
      !mallopt(M_TRIM_THRESHOLD, INT_MAX))
    llvm::errs() << "warning: times include that of getting pages for results, "
                    "which this C library cannot keep\n";

  machine_limits limits = measureMachine(threads);
  benchmark::AddCustomContext("threads", std::to_string(threads));
  benchmark::AddCustomContext("read_gb_per_s",
                              formatv("{0:f1}", limits.read_gb_per_s));
  benchmark::AddCustomContext("fp32_gop_per_s",
                              formatv("{0:f0}", limits.fp32_gop_per_s));
  benchmark::AddCustomContext(
      "int8_gop_per_s", limits.int8_gop_per_s == 0
                            ? std::string("not known for this machine")
                            : formatv("{0:f0}", limits.int8_gop_per_s).str());

  Suite suite(limits);
  for (const Shape &shape : linearShapes)
    for (const Format &format : getFormats())
      suite.addLinear(shape, format);
  for (const Attention &attention :
       {Attention{"32x4x64", 32, 4, 64}, Attention{"9x3x64", 9, 3, 64},
        Attention{"32x4x64-bf16", 32, 4, 64, true},
        Attention{"9x3x64-bf16", 9, 3, 64, true}}) {
    suite.addAttention(attention, 512, {1, 512});
    suite.addAttention(attention, 4096, {1});
  }
  for (const Format &format : getFormats())
    if (!format.rounded)
      suite.addEmbedding({2048, 32000}, format);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
