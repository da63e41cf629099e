//===- Linker.cpp - an object file becomes a shared library ---------------===//

#include "CodeGen.h"
#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Program.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"
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

static bool isNative(StringRef sysroot, const llvm::Triple &triple) {
  return sysroot.empty() &&
         triple.getArch() ==
             llvm::Triple(llvm::sys::getProcessTriple()).getArch();
}

/// The library `name` of this process, or in a system of the target's
/// architecture at `sysroot`, or where Debian's packages for cross compilers
/// have theirs; empty if there is none.
static std::string findLibrary(StringRef sysroot, const llvm::Triple &triple,
                               StringRef name) {
  if (isNative(sysroot, triple))
    return findLoadedLibrary(name.data());
  std::string gnu = (triple.getArchName() + "-linux-gnu").str();
  std::string root = sysroot.str();
  for (const std::string &directory :
       {root + "/usr/" + gnu + "/lib", root + "/usr/lib/" + gnu,
        root + "/lib/" + gnu, root + "/usr/lib64", root + "/lib64",
        root + "/usr/lib", root + "/lib"}) {
    std::string library = directory + "/" + name.str();
    if (llvm::sys::fs::exists(library))
      return library;
    // Without a root the rest is this machine's own.
    if (sysroot.empty() && directory == root + "/lib/" + gnu)
      break;
  }
  return "";
}

std::string llmc::findOpenMP(const llvm::Triple &triple, StringRef sysroot) {
  return findLibrary(sysroot, triple, openMPLibrary);
}

static LogicalResult reportMissing(ModuleOp module, StringRef sysroot,
                                   const llvm::Triple &triple) {
  if (isNative(sysroot, triple))
    return module.emitError("linking: this system has no libm.so.6 or no "
                            "libc.so.6, which compiled models need");
  StringRef debian = llvm::StringSwitch<StringRef>(triple.getArchName())
                         .Case("x86_64", "amd64")
                         .Case("aarch64", "arm64")
                         .Default(triple.getArchName());
  InFlightDiagnostic diagnostic =
      module.emitError("linking for ")
      << triple.getArchName() << ": there are no libc.so.6 and libm.so.6 of it";
  if (!sysroot.empty())
    return diagnostic << " under '" << sysroot << "'";
  return diagnostic << ": install libc6-" << debian
                    << "-cross, or name a system that has them with --sysroot";
}

LogicalResult llmc::linkSharedLibrary(ModuleOp module,
                                      const llvm::Triple &triple,
                                      StringRef sysroot, StringRef object,
                                      StringRef library) {
  SmallVector<StringRef> arguments = {"-shared", "-o", library, object};
  std::string threads;
  if (usesThreads(module)) {
    threads = findOpenMP(triple, sysroot);
    arguments.push_back(threads);
  }
  for (const char *name : {"ld.lld-22", "ld.lld"}) {
    auto linker = llvm::sys::findProgramByName(name);
    if (!linker)
      continue;
    std::string libm = findLibrary(sysroot, triple, "libm.so.6");
    std::string libc = findLibrary(sysroot, triple, "libc.so.6");
    if (libm.empty() || libc.empty())
      return reportMissing(module, sysroot, triple);
    // A symbol that neither has would only show when the artifact is opened.
    arguments.append({"-z", "defs", "-z", "noexecstack", libm, libc});
    return run(module, *linker, arguments);
  }
  std::string driverName =
      isNative(sysroot, triple)
          ? "cc"
          : (triple.getArchName() + "-linux-gnu-gcc").str();
  std::string option = ("--sysroot=" + sysroot).str();
  if (auto driver = llvm::sys::findProgramByName(driverName)) {
    arguments.append({"-Wl,-z,defs", "-lm"});
    if (!sysroot.empty())
      arguments.push_back(option);
    return run(module, *driver, arguments);
  }
  return module.emitError("linking: there is no ld.lld-22, ld.lld or ")
         << driverName << " on PATH: install lld-22";
}
