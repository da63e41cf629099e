//===- Recipe.h - pass pipelines in YAML files ------------------*- C++ -*-===//
//
// A recipe names passes, their options and what a user may set of them; it
// becomes the text of a pass pipeline. docs/recipes.md has the form.
//
//===----------------------------------------------------------------------===//

#ifndef LLMC_RECIPE_RECIPE_H
#define LLMC_RECIPE_RECIPE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/SourceMgr.h"
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace llmc {

/// What a user may set, and what it is otherwise; without a value it must be
/// set.
struct RecipeOption {
  std::string name;
  std::optional<std::string> value;
  llvm::SMLoc place;
};

class Recipe {
public:
  using Setting = std::pair<std::string, std::string>;

  /// Reads a file and checks its form. Errors are lines of the form
  /// file:line:column: what is wrong.
  static llvm::Expected<Recipe> read(llvm::StringRef file);

  llvm::StringRef getDescription() const { return description; }
  llvm::ArrayRef<RecipeOption> getOptions() const { return options; }

  /// The text of the pipeline with these values for options. Passes must be
  /// registered, for each of them is asked whether it has its options.
  llvm::Expected<std::string>
  makePipeline(llvm::ArrayRef<Setting> settings) const;

private:
  struct Pass;
  /// A value as it is written, or a pipeline of its own.
  struct PassOption {
    std::string name, value;
    std::vector<Pass> passes;
    llvm::SMLoc place;
  };
  struct Pass {
    std::string name;
    std::vector<PassOption> options;
    llvm::SMLoc place;
  };
  class Reader;
  class Writer;

  /// Of the text that places are in, for messages.
  std::unique_ptr<llvm::SourceMgr> sources;
  std::string file, description;
  std::vector<RecipeOption> options;
  std::vector<Pass> passes;
};

/// Registers `llmc-recipe{file=FILE set={NAME=VALUE ...}}`.
void registerRecipePipeline();

} // namespace llmc

#endif // LLMC_RECIPE_RECIPE_H
