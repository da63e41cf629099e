//===- MakePipeline.cpp - a recipe as the text of a pipeline --------------===//

#include "llmc/Recipe/Recipe.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace llmc;

/// Writes passes, and asks each whether it knows its options: the text alone
/// would not say which line of the recipe is wrong.
class Recipe::Writer {
public:
  explicit Writer(const Recipe &recipe) : recipe(recipe) {}

  llvm::Error set(ArrayRef<Setting> settings) {
    for (const RecipeOption &option : recipe.options)
      values[option.name] = option.value;
    for (const auto &[name, value] : settings) {
      auto entry = values.find(name);
      if (entry == values.end())
        return llvm::createStringError(recipe.file + ": there is no option '" +
                                       name + "' to set; " + listOptions());
      entry->second = value;
    }
    return llvm::Error::success();
  }

  llvm::Error write(ArrayRef<Pass> passes, std::string &text) {
    for (const Pass &pass : passes) {
      if (!text.empty())
        text += ",";
      if (llvm::Error error = write(pass, text))
        return error;
    }
    return llvm::Error::success();
  }

  /// An option that nothing reads would be set in vain.
  llvm::Error checkUses() {
    for (const RecipeOption &option : recipe.options)
      if (!used.contains(option.name))
        return fail(option.place, "no pass has the value $" + option.name);
    return llvm::Error::success();
  }

private:
  std::string listOptions() const {
    std::string names;
    for (const RecipeOption &option : recipe.options)
      names += (names.empty() ? "" : ", ") + option.name;
    return names.empty() ? "the recipe has none" : "the recipe has " + names;
  }

  llvm::Error fail(llvm::SMLoc place, const Twine &message) {
    auto [line, column] = recipe.sources->getLineAndColumn(place);
    return llvm::createStringError(recipe.file + ":" + Twine(line) + ":" +
                                   Twine(column) + ": " + message);
  }

  llvm::Error write(const Pass &pass, std::string &text) {
    // One that ran itself would have no end.
    if (pass.name == "llmc-recipe")
      return fail(pass.place, "a recipe cannot run recipes: name its passes");
    const PassRegistryEntry *entry = PassInfo::lookup(pass.name);
    if (!entry)
      entry = PassPipelineInfo::lookup(pass.name);
    if (!entry)
      return fail(pass.place, "there is no pass '" + pass.name +
                                  "'; llmc-opt --list-passes lists them");
    if (pass.options.empty()) {
      text += pass.name;
      return check(*entry, pass.name, "", pass.place);
    }
    std::string all;
    for (const PassOption &option : pass.options) {
      std::string one;
      if (llvm::Error error = write(option, one))
        return error;
      if (llvm::Error error = check(*entry, pass.name, one, option.place))
        return error;
      all += (all.empty() ? "" : " ") + one;
    }
    text += pass.name + "{" + all + "}";
    return llvm::Error::success();
  }

  llvm::Error write(const PassOption &option, std::string &text) {
    if (!option.passes.empty()) {
      std::string inner;
      if (llvm::Error error = write(option.passes, inner))
        return error;
      text = option.name + "={" + inner + "}";
      return llvm::Error::success();
    }
    StringRef value = option.value;
    // Only a value that is a variable and nothing else: a regular expression
    // may end in a dollar.
    if (value.size() > 1 && value.consume_front("$")) {
      auto entry = values.find(value);
      if (entry == values.end())
        return fail(option.place, "there is no option '" + value +
                                      "' for this value; " + listOptions());
      if (!entry->second)
        return fail(option.place, "the option '" + value +
                                      "' has no value: set " + value +
                                      "=VALUE");
      used.insert(value);
      value = *entry->second;
    }
    // Braces keep blanks and commas together in a pipeline's text.
    if (value.find_first_of("\"'{}") != StringRef::npos)
      return fail(option.place, "the value of '" + option.name +
                                    "' cannot have quotes or braces: " + value);
    bool plain = !value.empty() && value.find_first_of(" \t") == value.npos;
    text = option.name + "=" + (plain ? value.str() : "{" + value.str() + "}");
    return llvm::Error::success();
  }

  llvm::Error check(const PassRegistryEntry &entry, StringRef name,
                    StringRef options, llvm::SMLoc place) {
    OpPassManager scratch(ModuleOp::getOperationName());
    std::string problem;
    if (succeeded(
            entry.addToPipeline(scratch, options, [&](const Twine &message) {
              problem = message.str();
              return failure();
            })))
      return llvm::Error::success();
    StringRef reason = StringRef(problem).trim();
    reason.consume_front("<Pass-Options-Parser>: ");
    std::string message =
        reason.empty() ? (name + " does not take '" + options + "'").str()
                       : (name + ": " + reason).str();
    return fail(place, message + "; llmc-opt --list-passes lists the options "
                                 "of each pass");
  }

  const Recipe &recipe;
  llvm::StringMap<std::optional<std::string>> values;
  llvm::StringSet<> used;
};

llvm::Expected<std::string>
Recipe::makePipeline(ArrayRef<Setting> settings) const {
  Writer writer(*this);
  if (llvm::Error error = writer.set(settings))
    return std::move(error);
  std::string text;
  if (llvm::Error error = writer.write(passes, text))
    return std::move(error);
  if (llvm::Error error = writer.checkUses())
    return std::move(error);
  return text;
}
