//===- Linker.cpp - an object file becomes a shared library ---------------===//

#include "CodeGen.h"
#include "mlir/IR/Diagnostics.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Program.h"
#include <dlfcn.h>
#include <link.h>

using namespace mlir;
using namespace llmc;

/// Where the dynamic loader found a library of this process. It is there even
/// where no development files are installed.
static std::string findLoadedLibrary(const char *name) {
  void *handle = dlopen(name, RTLD_LAZY);
  if (!handle)
    return "";
  struct link_map *entry = nullptr;
  std::string path;
  if (dlinfo(handle, RTLD_DI_LINKMAP, &entry) == 0 && entry)
    path = entry->l_name;
  dlclose(handle);
  return path;
}

static LogicalResult run(ModuleOp module, StringRef program,
                         ArrayRef<StringRef> arguments) {
  SmallString<128> log;
  if (std::error_code error =
          llvm::sys::fs::createTemporaryFile("llmc-link", "log", log))
    return module.emitError("cannot make a temporary file: ")
           << error.message();
  llvm::FileRemover remover(log);
  SmallVector<StringRef> command = {program};
  llvm::append_range(command, arguments);
  std::optional<StringRef> redirects[] = {std::nullopt, StringRef(log),
                                          StringRef(log)};
  std::string message;
  int status = llvm::sys::ExecuteAndWait(program, command, std::nullopt,
                                         redirects, 0, 0, &message);
  if (status == 0)
    return success();
  InFlightDiagnostic diagnostic = module.emitError("linking failed: ")
                                  << program << " ended with status " << status;
  if (!message.empty())
    diagnostic << ": " << message;
  if (auto output = llvm::MemoryBuffer::getFile(log))
    diagnostic << "\n" << (*output)->getBuffer().rtrim();
  return diagnostic;
}

LogicalResult llmc::linkSharedLibrary(ModuleOp module, StringRef object,
                                      StringRef library) {
  SmallVector<StringRef> arguments = {"-shared", "-o", library, object};
  std::string threads;
  if (usesThreads(module)) {
    threads = findLoadedLibrary(openMPLibrary.data());
    if (threads.empty())
      return module.emitError("linking: this system has no ")
             << openMPLibrary
             << ", which models with several threads need: install "
                "libomp-22-dev"
             << " or libomp5";
    arguments.push_back(threads);
  }
  for (const char *name : {"ld.lld-22", "ld.lld"}) {
    auto linker = llvm::sys::findProgramByName(name);
    if (!linker)
      continue;
    std::string libm = findLoadedLibrary("libm.so.6");
    std::string libc = findLoadedLibrary("libc.so.6");
    if (libm.empty() || libc.empty())
      return module.emitError("linking: this system has no libm.so.6 or no "
                              "libc.so.6, which compiled models need");
    // A symbol that neither has would only show when the artifact is opened.
    arguments.append({"-z", "defs", "-z", "noexecstack", libm, libc});
    return run(module, *linker, arguments);
  }
  if (auto driver = llvm::sys::findProgramByName("cc")) {
    arguments.append({"-Wl,-z,defs", "-lm"});
    return run(module, *driver, arguments);
  }
  return module.emitError("linking: there is no ld.lld-22, ld.lld or cc on "
                          "PATH: install lld-22");
}
