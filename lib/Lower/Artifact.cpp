//===- Artifact.cpp - ahead-of-time compilation ---------------------------===//

#include "llmc/Lower/Artifact.h"
#include "CodeGen.h"
#include "Manifest.h"
#include "llmc/Lower/Passes.h"
#include "llmc/Runtime/ArtifactFormat.h"
#include "llmc/Target/Backends.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Timer.h"
#include "llvm/Target/TargetMachine.h"

using namespace mlir;
using namespace llmc;
namespace fs = llvm::sys::fs;
namespace path = llvm::sys::path;

/// What an artifact has of the model's, where there is such a file.
static constexpr llvm::StringLiteral modelFiles[] = {
    "tokenizer.json", "tokenizer_config.json", "config.json",
    "generation_config.json"};

namespace {

/// A directory that is complete or not there: files go to a neighbour of it,
/// which then takes its name.
class NewDirectory {
public:
  NewDirectory(ModuleOp module, StringRef final) : module(module) {
    this->final = final;
    fs::make_absolute(this->final);
    path::remove_dots(this->final, /*remove_dot_dot=*/true);
  }
  ~NewDirectory() {
    if (!temporary.empty())
      fs::remove_directories(temporary);
  }

  LogicalResult create() {
    if (failed(checkReplaceable()))
      return failure();
    std::error_code error;
    if ((error = fs::create_directories(path::parent_path(final))))
      return report(error);
    fs::createUniquePath(final + ".%%%%%%", temporary, false);
    if ((error = fs::create_directory(temporary, false, fs::all_all))) {
      temporary.clear();
      return report(error);
    }
    return success();
  }

  StringRef get() const { return temporary; }
  std::string getFile(StringRef name) const {
    return (temporary + "/" + name).str();
  }

  LogicalResult commit() {
    SmallString<128> old;
    if (fs::exists(final)) {
      fs::createUniquePath(final + ".%%%%%%", old, false);
      if (std::error_code error = fs::rename(final, old))
        return report(error);
    }
    if (std::error_code error = fs::rename(temporary, final)) {
      if (!old.empty())
        fs::rename(old, final);
      return report(error);
    }
    temporary.clear();
    if (!old.empty())
      fs::remove_directories(old);
    return success();
  }

private:
  /// Ours to replace are empty directories, and artifacts that nobody has put
  /// anything into.
  LogicalResult checkReplaceable() {
    std::error_code error;
    if (!fs::exists(final) ||
        (fs::is_directory(final) &&
         fs::directory_iterator(final, error) == fs::directory_iterator()))
      return success();
    std::optional<llvm::StringSet<>> ours = Manifest::readFiles(final);
    if (!ours)
      return module.emitError("'")
             << final << "' exists and is not an artifact: remove it, or "
             << "write elsewhere";
    for (const auto &[name, size] : listFiles(final, error))
      if (!ours->contains(name) && !llvm::is_contained(modelFiles, name))
        return module.emitError("'")
               << final << "' has a file '" << name
               << "' that is not the artifact's: remove it, or write elsewhere";
    return error ? report(error) : success();
  }

  LogicalResult report(std::error_code error) {
    return module.emitError("cannot write '")
           << final << "': " << error.message();
  }

  ModuleOp module;
  SmallString<128> final, temporary;
};

/// Tells how long a step took.
class Step {
public:
  Step(const ArtifactOptions &options, StringRef name)
      : name(name), verbose(options.verbose),
        start(llvm::TimeRecord::getCurrentTime()) {}
  ~Step() {
    if (!verbose)
      return;
    llvm::TimeRecord time = llvm::TimeRecord::getCurrentTime(false);
    time -= start;
    llvm::errs() << llvm::formatv("{0}: {1:f1} s\n", name, time.getWallTime());
  }

private:
  StringRef name;
  bool verbose;
  llvm::TimeRecord start;
};

} // namespace

/// Writes the params behind @main's trailing arguments, in their order, and
/// erases them.
static LogicalResult writeWeights(ModuleOp module, StringRef file,
                                  Manifest &manifest) {
  auto main = module.lookupSymbol<func::FuncOp>("main");
  std::error_code error;
  llvm::raw_fd_ostream out(file, error);
  if (error)
    return module.emitError("cannot write ") << file << ": " << error.message();
  for (unsigned i = 0; i < main.getNumArguments(); ++i) {
    auto symbol = main.getArgAttrOfType<FlatSymbolRefAttr>(i, paramAttr);
    if (!symbol)
      continue;
    auto param = module.lookupSymbol<ParamOp>(symbol.getAttr());
    if (failed(manifest.addWeight(param, int64_t(out.tell()))))
      return failure();
    out.write_zeros(unsigned(manifest.weights.back().offset - out.tell()));
    SmallVector<char> copy;
    ArrayRef<char> bytes = getParamBytes(param, copy);
    if (int64_t(bytes.size()) != manifest.weights.back().bytes)
      return param.emitError("has ")
             << bytes.size() << " bytes where its type has "
             << manifest.weights.back().bytes;
    out.write(bytes.data(), bytes.size());
  }
  out.close();
  if (out.has_error()) {
    error = out.error();
    out.clear_error();
    return module.emitError("cannot write ") << file << ": " << error.message();
  }
  // The code generator needs no bytes.
  for (ParamOp param : llvm::make_early_inc_range(module.getOps<ParamOp>()))
    param.erase();
  return success();
}

static LogicalResult copyModelFiles(ModuleOp module, StringRef from,
                                    const NewDirectory &to) {
  if (from.empty())
    return success();
  for (StringRef name : modelFiles) {
    std::string source = (from + "/" + name).str();
    if (!fs::exists(source))
      continue;
    if (std::error_code error = fs::copy_file(source, to.getFile(name)))
      return module.emitError("cannot copy ")
             << source << ": " << error.message();
  }
  return success();
}

LogicalResult llmc::compileArtifact(ModuleOp module, StringRef directory,
                                    const ArtifactOptions &options) {
  auto machine = createTargetMachine(module, options.target, options.optLevel);
  if (failed(machine))
    return failure();
  const Backends &backends = Backends::of(module.getContext());
  bool useBackends = options.target != "reference";
  const llvm::Triple &triple = (*machine)->getTargetTriple();
  bool useThreads = !findOpenMP(triple, options.sysroot).empty();
  if (!useThreads)
    module.emitRemark("there is no ")
        << openMPLibrary << " for " << triple.getArchName()
        << ": the model runs on one thread";
  Manifest manifest(**machine);
  if (failed(manifest.setInterface(module)) ||
      failed(manifest.setModel(module, options.modelDirectory)))
    return failure();
  NewDirectory output(module, directory);
  if (failed(output.create()))
    return failure();

  {
    Step step(options, "lowering to linalg");
    PassManager passes(module.getContext());
    buildLowerToLinalgPipeline(passes, useBackends, options.strict);
    if (failed(passes.run(module)))
      return failure();
  }
  {
    Step step(options, "writing the weights");
    if (failed(writeWeights(module, output.getFile(artifact::kWeightsFile),
                            manifest)))
      return failure();
  }
  {
    Step step(options, "lowering to LLVM");
    PassManager passes(module.getContext());
    buildLowerToLLVMPipeline(passes, useBackends, useThreads);
    if (failed(passes.run(module)))
      return failure();
  }
  std::string object = output.getFile("module.o");
  std::string library = output.getFile(artifact::kModuleFile);
  {
    Step step(options, "generating code");
    if (failed(emitObject(module, **machine, options.optLevel, object)))
      return failure();
  }
  {
    Step step(options, "linking");
    if (failed(linkSharedLibrary(module, (*machine)->getTargetTriple(),
                                 options.sysroot, object, library)))
      return failure();
    fs::remove(object);
  }
  for (const Backends::Entry &entry : backends.getEntries())
    if (useBackends) {
      if (llvm::Error error = entry.backend->serialize(module, output.get()))
        return module.emitError("backend '")
               << entry.info->name << "': " << llvm::toString(std::move(error));
    }
  if (failed(copyModelFiles(module, options.modelDirectory, output)) ||
      failed(manifest.write(module, output.get())))
    return failure();
  return output.commit();
}
