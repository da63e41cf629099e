//===- BackendOptions.h - --load-backend and --list-backends ---*- C++ -*-===//

#ifndef LLMC_TOOLS_BACKENDOPTIONS_H
#define LLMC_TOOLS_BACKENDOPTIONS_H

#include "llmc/Target/Backends.h"
#include "llvm/Support/CommandLine.h"

namespace llmc {

/// The options about backends that every tool has.
class BackendOptions {
public:
  explicit BackendOptions(llvm::cl::OptionCategory &category)
      : files("load-backend", llvm::cl::value_desc("file"),
              llvm::cl::desc("Load a backend: a shared library, or 'cpu' for "
                             "llmc's own"),
              llvm::cl::cat(category)),
        list("list-backends",
             llvm::cl::desc("Print the loaded backends and what they can do"),
             llvm::cl::cat(category)) {}

  /// Reads the options by itself, for a tool whose command line MLIR parses,
  /// after contexts and registries are made. To be called before that, on an
  /// object that lives until then, so that MLIR knows the options.
  void parse(int argc, char **argv) {
    for (int i = 1; i < argc; ++i) {
      llvm::StringRef argument = argv[i];
      if (argument == "--")
        break;
      if (!argument.consume_front("-"))
        continue;
      argument.consume_front("-");
      if (argument == list.ArgStr)
        list = true;
      else if (argument == files.ArgStr && i + 1 < argc)
        files.push_back(argv[++i]);
      else if (argument.consume_front((files.ArgStr + "=").str()))
        files.push_back(argument.str());
    }
  }

  /// Loads the backends and makes contexts of `registry` carry them. Says what
  /// is wrong on stderr.
  mlir::LogicalResult load(mlir::DialectRegistry &registry,
                           llvm::StringRef target = "host") const {
    auto backends = std::make_shared<Backends>();
    auto fail = [](llvm::Error error) {
      llvm::errs() << "error: " << llvm::toString(std::move(error)) << "\n";
      return mlir::failure();
    };
    for (const std::string &file : files)
      if (llvm::Error error = backends->load(file))
        return fail(std::move(error));
    if (llvm::Error error = backends->setTarget(target))
      return fail(std::move(error));
    if (list)
      backends->print(llvm::outs());
    Backends::registerWith(registry, std::move(backends));
    return mlir::success();
  }

  /// Whether printing the list was all there is to do.
  bool isList() const { return list; }

  /// Loads `file` as well, unless backends were named.
  void setDefault(llvm::StringRef file) {
    if (files.empty())
      files.push_back(file.str());
  }

private:
  llvm::cl::list<std::string> files;
  llvm::cl::opt<bool> list;
};

} // namespace llmc

#endif // LLMC_TOOLS_BACKENDOPTIONS_H
