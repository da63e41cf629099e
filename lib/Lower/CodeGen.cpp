//===- CodeGen.cpp - the LLVM dialect to an object file -------------------===//

#include "CodeGen.h"
#include "llmc/Lower/Passes.h"
#include "llmc/Runtime/ArtifactFormat.h"
#include "llmc/Target/Backends.h"
#include "llmc/Target/CpuTarget.h"
#include "mlir/Dialect/OpenMP/OpenMPDialect.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/PassInstrumentation.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/TargetParser/RISCVISAInfo.h"

using namespace mlir;
using namespace llmc;

//===----------------------------------------------------------------------===//
// Target
//===----------------------------------------------------------------------===//

/// The CPU features that an artifact may name, those that its runtime can
/// check.
static SmallVector<StringRef> getKnownFeatures(const llvm::Triple &triple) {
#define LLMC_ROW(name, ...) name,
  switch (triple.getArch()) {
  case llvm::Triple::x86_64:
    return {LLMC_X86_FEATURES(LLMC_ROW) LLMC_X86_AVX10_VERSIONS(LLMC_ROW)};
  case llvm::Triple::aarch64:
    return {LLMC_AARCH64_FEATURES(LLMC_ROW)};
  case llvm::Triple::riscv64:
    return {LLMC_RISCV_FEATURES(LLMC_ROW) LLMC_RISCV_VECTOR_BITS(LLMC_ROW)};
  default:
    return {};
  }
#undef LLMC_ROW
}

/// The extensions of a RISC-V CPU that its runtime cannot check, such as a
/// vendor's own. Parts of known ones are not among them.
static SmallVector<StringRef> getUnknownExtensions(const CpuTarget &target) {
  SmallVector<StringRef> known = getKnownFeatures(target.getTriple());
  llvm::append_range(known, ArrayRef<StringRef>{"i", "m", "a"});
  llvm::FeatureBitset used;
  for (const llvm::SubtargetFeatureKV &row : target.getAllFeatures())
    if (llvm::is_contained(known, row.Key) && target.hasFeature(row.Key))
      used.set(row.Value);
  bool hasChanged = true;
  while (std::exchange(hasChanged, false))
    for (const llvm::SubtargetFeatureKV &row : target.getAllFeatures()) {
      llvm::FeatureBitset parts = row.Implies.getAsBitset();
      if (!used.test(row.Value) || (used & parts) == parts)
        continue;
      used |= parts;
      hasChanged = true;
    }
  SmallVector<StringRef> unknown;
  for (const llvm::SubtargetFeatureKV &row : target.getAllFeatures())
    if (llvm::RISCVISAInfo::isSupportedExtensionFeature(row.Key) &&
        target.hasFeature(row.Key) && !used.test(row.Value))
      unknown.push_back(row.Key);
  return unknown;
}

FailureOr<std::unique_ptr<llvm::TargetMachine>>
llmc::createTargetMachine(ModuleOp module, StringRef name, unsigned optLevel) {
  if (llvm::Error error = Backends::of(module.getContext()).checkTarget(name))
    return module.emitError(llvm::toString(std::move(error)));
  StringRef text = name;
  if (!text.consume_front("cpu:")) {
    text = "";
  } else if (text.empty()) {
    return module.emitError("target 'cpu:' names no CPU");
  }
  auto level = llvm::CodeGenOpt::getLevel(int(optLevel));
  if (!level)
    return module.emitError("there is no optimization level ") << optLevel;

  llvm::Expected<CpuTarget> target = CpuTarget::parse(text);
  if (!target)
    return module.emitError("target '")
           << name << "': " << llvm::toString(target.takeError());
  llvm::InitializeAllTargets();
  llvm::InitializeAllAsmPrinters();
  std::string message;
  const llvm::Target *generator =
      llvm::TargetRegistry::lookupTarget(target->getTriple(), message);
  if (!generator)
    return module.emitError("target '") << name << "': " << message;
  std::string features = target->getFeatures().str();
  llvm::TargetOptions options;
  // The loader runs constructors that are there, and none in .ctors.
  options.UseInitArray = true;
  if (target->isRISCV()) {
    options.MCOptions.ABIName = "lp64d";
    SmallVector<StringRef> unknown = getUnknownExtensions(*target);
    if (!unknown.empty())
      module.emitRemark("code for '")
          << name << "' leaves extensions unused that the runtime cannot "
          << "check: " << llvm::join(unknown, ", ");
    for (StringRef extension : unknown)
      features += (features.empty() ? "-" : ",-") + extension.str();
  }
  return std::unique_ptr<llvm::TargetMachine>(generator->createTargetMachine(
      target->getTriple(), target->getCpu(), features, options,
      llvm::Reloc::PIC_, std::nullopt, *level));
}

SmallVector<std::string>
llmc::getRequiredFeatures(const llvm::TargetMachine &machine) {
  SmallVector<std::string> required;
  for (StringRef feature : getKnownFeatures(machine.getTargetTriple()))
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
    // Names of LLVM's have linkages of their own.
    if (object.isDeclaration() || object.getName().starts_with("llvm."))
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

void llmc::optimizeCode(llvm::Module &code, llvm::TargetMachine &machine,
                        unsigned optLevel) {
  expandHalf(code, machine);
  const llvm::OptimizationLevel levels[] = {
      llvm::OptimizationLevel::O0, llvm::OptimizationLevel::O1,
      llvm::OptimizationLevel::O2, llvm::OptimizationLevel::O3};
  // No code calls a function that it does not name, and looking for those that
  // it may call takes a sixth of the time that SmolLM2 is compiled in.
  llvm::PassInstrumentationCallbacks callbacks;
  callbacks.registerShouldRunOptionalPassCallback(
      [](StringRef pass, const llvm::Any &) {
        return pass != "CalledValuePropagationPass";
      });
  llvm::PassBuilder builder(&machine, {}, std::nullopt, &callbacks);
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
  optimizeCode(*code, machine, optLevel);

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
