//===- Pipeline.cpp - the pipeline llmc-recipe ----------------------------===//

#include "llmc/Recipe/Recipe.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"
#include "mlir/Pass/PassRegistry.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace llmc;

namespace {
struct RecipeOptions : PassPipelineOptions<RecipeOptions> {
  Option<std::string> file{*this, "file", llvm::cl::desc("The YAML file")};
  Option<std::string> set{
      *this, "set",
      llvm::cl::desc("Values for the recipe's options, {NAME=VALUE ...}")};
};
} // namespace

static llvm::Expected<std::string> makePipeline(const RecipeOptions &options) {
  SmallVector<StringRef> words;
  llvm::SplitString(options.set.getValue(), words);
  std::vector<Recipe::Setting> settings;
  for (StringRef word : words) {
    auto [name, value] = word.split('=');
    if (name.size() == word.size())
      return llvm::createStringError("'" + word +
                                     "' is not of the form "
                                     "NAME=VALUE");
    settings.emplace_back(name.str(), value.str());
  }
  auto recipe = Recipe::read(options.file);
  if (!recipe)
    return recipe.takeError();
  return recipe->makePipeline(settings);
}

void llmc::registerRecipePipeline() {
  // Not a PassPipelineRegistration, which cannot fail.
  registerPassPipeline(
      "llmc-recipe", "Run the passes that a recipe, a YAML file, names",
      [](OpPassManager &manager, StringRef text,
         function_ref<LogicalResult(const Twine &)> report) -> LogicalResult {
        RecipeOptions options;
        std::string problem;
        llvm::raw_string_ostream os(problem);
        if (failed(options.parseFromString(text, os)))
          return report(problem);
        auto pipeline = makePipeline(options);
        if (!pipeline)
          return report("llmc-recipe: " + llvm::toString(pipeline.takeError()));
        if (failed(parsePassPipeline(*pipeline, manager, os)))
          return report(problem);
        return success();
      },
      [](function_ref<void(const mlir::detail::PassOptions &)> visit) {
        visit(RecipeOptions());
      });
}
