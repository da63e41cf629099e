//===- CodeGen.cpp - the LLVM dialect to an object file -------------------===//

#include "CodeGen.h"
#include "llmc/Lower/Passes.h"
#include "llmc/Runtime/ArtifactFormat.h"
#include "mlir/Dialect/OpenMP/OpenMPDialect.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/SubtargetFeature.h"

using namespace mlir;
using namespace llmc;

static_assert(int64_t(RuntimeError::IndexOutOfRange) ==
                      artifact::kKernelIndexOutOfRange &&
                  int64_t(RuntimeError::ShapeMismatch) ==
                      artifact::kKernelShapeMismatch,
              "compiler and runtime disagree on llmc_error");

//===----------------------------------------------------------------------===//
// Target
//===----------------------------------------------------------------------===//

static std::string getHostFeatures() {
  llvm::SubtargetFeatures features;
  for (auto &[name, isThere] : llvm::sys::getHostCPUFeatures())
    features.AddFeature(name, isThere);
  return features.getString();
}

FailureOr<std::unique_ptr<llvm::TargetMachine>>
llmc::createTargetMachine(ModuleOp module, StringRef name, unsigned optLevel) {
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  llvm::Triple triple(llvm::sys::getProcessTriple());
  std::string message;
  const llvm::Target *target =
      llvm::TargetRegistry::lookupTarget(triple, message);
  if (!target)
    return module.emitError("no code generator for this machine: ") << message;

  std::string cpu, features;
  if (name == "host" || name == "reference") {
    cpu = llvm::sys::getHostCPUName().str();
    features = getHostFeatures();
  } else if (name.consume_front("cpu:")) {
    cpu = name.str();
    // Asked first: code generation would only warn, and use a default.
    std::unique_ptr<llvm::MCSubtargetInfo> info(
        target->createMCSubtargetInfo(triple, "", ""));
    if (!info->isCPUStringValid(cpu))
      return module.emitError("target: there is no CPU '")
             << cpu << "' of the architecture " << triple.getArchName();
  } else {
    return module.emitError("unknown target '")
           << name << "': use 'host', 'reference' or 'cpu:NAME'";
  }
  auto level = llvm::CodeGenOpt::getLevel(int(optLevel));
  if (!level)
    return module.emitError("there is no optimization level ") << optLevel;
  std::unique_ptr<llvm::TargetMachine> machine(
      target->createTargetMachine(triple, cpu, features, llvm::TargetOptions(),
                                  llvm::Reloc::PIC_, std::nullopt, *level));
  return std::move(machine);
}

SmallVector<std::string>
llmc::getRequiredFeatures(const llvm::TargetMachine &machine) {
  static constexpr StringLiteral x86[] = {
#define LLMC_ROW(name, ...) name,
      LLMC_X86_FEATURES(LLMC_ROW)};
  static constexpr StringLiteral aarch64[] = {LLMC_AARCH64_FEATURES(LLMC_ROW)
#undef LLMC_ROW
  };
  ArrayRef<StringLiteral> known;
  if (machine.getTargetTriple().getArch() == llvm::Triple::x86_64)
    known = x86;
  else if (machine.getTargetTriple().getArch() == llvm::Triple::aarch64)
    known = aarch64;
  SmallVector<std::string> required;
  for (StringRef feature : known)
    if (machine.getMCSubtargetInfo()->checkFeatures(("+" + feature).str()))
      required.push_back(feature.str());
  return required;
}

bool llmc::usesThreads(ModuleOp module) {
  return module->walk([](omp::ParallelOp) { return WalkResult::interrupt(); })
      .wasInterrupted();
}

//===----------------------------------------------------------------------===//
// Code
//===----------------------------------------------------------------------===//

/// Leaves the entry and the error flag visible, and gives every function the
/// target: without it the vectorizer sees no registers.
static void prepare(llvm::Module &code, const llvm::TargetMachine &machine) {
  code.setTargetTriple(machine.getTargetTriple());
  code.setDataLayout(machine.createDataLayout());
  auto isPublic = [](const llvm::GlobalValue &value) {
    return value.getName() == invokeSymbol || value.getName() == errorSymbol;
  };
  for (llvm::GlobalObject &object : code.global_objects()) {
    if (object.isDeclaration())
      continue;
    if (isPublic(object)) {
      // Never resolved to the symbol of another artifact in the process.
      object.setVisibility(llvm::GlobalValue::ProtectedVisibility);
      object.setDSOLocal(true);
    } else {
      object.setLinkage(llvm::GlobalValue::InternalLinkage);
    }
  }
  for (llvm::Function &function : code) {
    function.addFnAttr("target-cpu", machine.getTargetCPU());
    if (!machine.getTargetFeatureString().empty())
      function.addFnAttr("target-features", machine.getTargetFeatureString());
  }
}

static void optimize(llvm::Module &code, llvm::TargetMachine &machine,
                     unsigned optLevel) {
  const llvm::OptimizationLevel levels[] = {
      llvm::OptimizationLevel::O0, llvm::OptimizationLevel::O1,
      llvm::OptimizationLevel::O2, llvm::OptimizationLevel::O3};
  llvm::PassBuilder builder(&machine);
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager sccs;
  llvm::ModuleAnalysisManager modules;
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(sccs);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, sccs, modules);
  llvm::OptimizationLevel level = levels[optLevel];
  llvm::ModulePassManager passes =
      optLevel == 0 ? builder.buildO0DefaultPipeline(level)
                    : builder.buildPerModuleDefaultPipeline(level);
  passes.run(code, modules);
}

LogicalResult llmc::emitObject(ModuleOp module, llvm::TargetMachine &machine,
                               unsigned optLevel, StringRef path) {
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> code =
      translateModuleToLLVMIR(module, context, "llmc");
  if (!code)
    return failure();
  prepare(*code, machine);
  optimize(*code, machine, optLevel);

  std::error_code error;
  llvm::raw_fd_ostream file(path, error);
  if (error)
    return module.emitError("cannot write ") << path << ": " << error.message();
  llvm::legacy::PassManager emission;
  if (machine.addPassesToEmitFile(emission, file, nullptr,
                                  llvm::CodeGenFileType::ObjectFile))
    return module.emitError("this target cannot write object files");
  emission.run(*code);
  file.close();
  if (file.has_error()) {
    error = file.error();
    file.clear_error();
    return module.emitError("cannot write ") << path << ": " << error.message();
  }
  return success();
}
