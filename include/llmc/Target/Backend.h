//===- Backend.h - what a backend tells and does ---------------*- C++ -*-===//
//
// A backend turns ops that it has fast code for into kernels. llmc asks it
// what it can do and what it would cost, hands it ops while they are still
// visible as operations on tensors, lets it lay out their weights, and has it
// generate the kernels. All that a backend leaves alone runs through the
// reference lowering, so a backend for one op is a complete backend.
//
// One object serves one compilation, and is never used by two threads at once.
// docs/new-backend.md builds one step by step.
//
//===----------------------------------------------------------------------===//

#ifndef LLMC_TARGET_BACKEND_H
#define LLMC_TARGET_BACKEND_H

#include "llmc/IR/Dialect.h"
#include "llmc/IR/ShapeAnalysis.h"
#include "llmc/Target/BackendInfo.h"
#include "llmc/Version.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/FunctionExtras.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/Support/Error.h"

namespace llmc {

/// One line of what a backend can do: an op, and the weight expressions,
/// block sizes, sparsity patterns and activation types that it takes for it.
/// An empty list means that the op has nothing of the kind.
struct Capability {
  std::string op;                            ///< "linear", "attention", ...
  llvm::SmallVector<std::string> formats;    ///< "f32", "int4", "nf4", ...
  llvm::SmallVector<int64_t> blocks;         ///< 0: one scale per row
  llvm::SmallVector<std::string> sparsities; ///< "2:4", ...
  llvm::SmallVector<std::string> activations;
};

/// A parameter of a kernel in the layout that the kernel reads.
struct PackedParam {
  /// Names it after the parameter that it is made from: `fc1` gives
  /// `fc1.BACKEND.SUFFIX`. Equal names, types and bytes are one parameter: a
  /// weight that two kernels read in one layout is stored once. A name that is
  /// taken gets a number.
  std::string suffix;
  mlir::RankedTensorType type;
  /// Writes all bytes of the parameter.
  llvm::unique_function<void(llvm::MutableArrayRef<char> bytes)> fill;
};

/// How an op, or several that belong together, become a launch.
struct Claim {
  std::string kind;            ///< of the kernel; see llmc.kernel
  mlir::DictionaryAttr config; ///< all that `translate` needs to know
  /// What the kernel reads before its parameters: values that exist already.
  llvm::SmallVector<mlir::Value> inputs;
  /// What it computes; all results of the claimed op when empty. Results of ops
  /// before the claimed one may be among them, in its block: the launch stands
  /// where the first of them was, and ops behind it that compute inputs are
  /// moved before it; see canLaunch. Ops that nothing uses any more go away. A
  /// dynamic dimension of an output must be one that an input has.
  llvm::SmallVector<mlir::Value> outputs;
  /// For each output, the value that the kernel updates where it lies, such as
  /// a cache, or null for a new buffer; all null when empty. A copy is made
  /// where something else needs the former value.
  llvm::SmallVector<mlir::Value> updated;
  /// The parameter whose name the packed ones get.
  std::string param;
  llvm::SmallVector<PackedParam> packed;
  /// Sentences about what the kernel does not do as its inputs suggest, such as
  /// a format that it reads unpacked: remarks, and errors where strict.
  llvm::SmallVector<std::string> shortfalls;
};

/// Whether one launch can compute all of `outputs`, results in one block: none
/// of them is needed to compute `inputs`.
bool canLaunch(mlir::ValueRange inputs, mlir::ValueRange outputs);

class Backend {
public:
  virtual ~Backend();

  //===--------------------------------------------------------------------===//
  // Questions
  //===--------------------------------------------------------------------===//

  /// What `--list-backends` prints.
  virtual llvm::SmallVector<Capability> getCapabilities() const = 0;

  /// Seconds that `op` takes for `rows` rows of activations, such as tokens;
  /// infinity for an op that this backend would not claim.
  virtual double getCost(mlir::Operation *op, int64_t rows) const = 0;

  /// Whether threads may launch its kernels at the same time, each of which
  /// then runs on the thread that launches it: llmc-split-batch gives parts of
  /// a batch to threads if all backends with a kernel in the model say so.
  virtual bool canRunInParts() const;

  //===--------------------------------------------------------------------===//
  // The life of a compilation, in this order
  //===--------------------------------------------------------------------===//

  /// Takes what follows the backend's name in `--target NAME:OPTIONS`, such as
  /// `x86-64-v4+amx-int8`; empty for this machine. An error says what is wrong
  /// with it.
  virtual llvm::Error setTarget(llvm::StringRef options) = 0;

  /// Dialects that this backend's kernels are written in, beside upstream's.
  virtual void registerDialects(mlir::DialectRegistry &registry) const;

  /// Adds passes at a point of the pipeline; see the names in `pipelinePoint`.
  /// Others may be added, so a backend ignores what it does not know.
  virtual void extendPipeline(llvm::StringRef point,
                              mlir::OpPassManager &manager) const;

  /// Takes `op` over, or leaves it alone. Asked once for each op of @main that
  /// no backend has claimed, the last one first: so an op is asked about before
  /// those that it reads, and can take them over with it. `shapes` knows the
  /// dimensions of all values, which symbols that are equal tell to be equal.
  ///
  ///     %w = llmc.dequantize %q, %s {bits = 4, block = 64, columns = 576}
  ///     %y = llmc.linear %x, %w : (tensor<?x576xf32>, ...) -> tensor<?x64xf32>
  ///   // with a claim {kind = "linear", inputs = [%x], param = "fc1",
  ///   //               packed = ["panels": tensor<18432xui8>]} becomes
  ///     llmc.param @fc1.cpu.panels = dense_resource<...> : tensor<18432xui8>
  ///     llmc.kernel @linear_0 by "cpu" kind "linear" {config = {...}}
  ///     %p = llmc.weight @fc1.cpu.panels : tensor<18432xui8>
  ///     %y = llmc.launch @linear_0 ins(%x, %p : ...) outs(%e : ...) -> ...
  virtual std::optional<Claim> claim(mlir::Operation *op,
                                     ShapeContext &shapes) = 0;

  /// Writes the body of a kernel: `function` has one argument, a buffer of
  /// row-major order, for each input and output of the launches of `kernel`,
  /// and an entry block without operations.
  ///
  ///     func.func private @linear_0(%x: memref<?x576xf32>,
  ///                                 %p: memref<18432xui8>,
  ///                                 %y: memref<?x64xf32>) {
  ///       ...
  ///       return
  ///     }
  ///
  /// Functions that it calls it adds to the module around it.
  virtual mlir::LogicalResult translate(KernelOp kernel,
                                        mlir::func::FuncOp function) = 0;

  /// Called once all kernels are translated: the place to turn device code
  /// into what the host code loads. Constructors that it adds to the module run
  /// when the model is opened, destructors when it is closed, in memory and
  /// from an artifact.
  ///
  ///     gpu.module @kernels { gpu.func @linear_0(...) kernel { ... } }
  ///   // becomes, for example,
  ///     llvm.mlir.global internal constant @kernels("...")
  ///     llvm.func @load_kernels() { ... }
  ///     llvm.mlir.global_ctors ctors = [@load_kernels], ...
  virtual mlir::LogicalResult link(mlir::ModuleOp module);

  /// Adds files of its own to an artifact, for tools and people: module.so is
  /// not told where they are, so what it needs is in it, by `link`.
  virtual llvm::Error serialize(mlir::ModuleOp module,
                                llvm::StringRef directory);
};

/// Points of the pipeline at which backends may add passes.
namespace pipelinePoint {
inline constexpr llvm::StringLiteral beforeClaim = "before-claim";
inline constexpr llvm::StringLiteral afterClaim = "after-claim";
inline constexpr llvm::StringLiteral beforeBufferization =
    "before-bufferization";
inline constexpr llvm::StringLiteral afterBufferization = "after-bufferization";
inline constexpr llvm::StringLiteral beforeLLVM = "before-llvm";
} // namespace pipelinePoint

} // namespace llmc

/// Defines the entry point of a backend, class CLASS with a constructor without
/// arguments.
#define LLMC_DEFINE_BACKEND(NAME, DESCRIPTION, CLASS)                          \
  extern "C" __attribute__((visibility("default"))) const LlmcBackendInfo *    \
  llmcGetBackendInfo(void) {                                                   \
    static const LlmcBackendInfo info = {                                      \
        sizeof(LlmcBackendInfo),                                               \
        LLMC_BACKEND_API_MAJOR,                                                \
        LLMC_BACKEND_API_MINOR,                                                \
        LLMC_VERSION_STRING,                                                   \
        LLVM_VERSION_STRING,                                                   \
        NAME,                                                                  \
        DESCRIPTION,                                                           \
        +[]() -> void * {                                                      \
          return static_cast<llmc::Backend *>(new CLASS());                    \
        }};                                                                    \
    return &info;                                                              \
  }

#endif // LLMC_TARGET_BACKEND_H
