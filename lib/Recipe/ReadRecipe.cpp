//===- ReadRecipe.cpp - the form of a recipe ------------------------------===//

#include "llmc/Recipe/Recipe.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/YAMLParser.h"

using namespace llmc;
namespace yaml = llvm::yaml;

namespace {
/// What YAML's parser and the reader have to say.
void collect(const llvm::SMDiagnostic &diagnostic, void *context) {
  auto &problems = *static_cast<std::string *>(context);
  if (!problems.empty())
    return; // What follows the first error follows from it.
  llvm::raw_string_ostream(problems)
      << diagnostic.getFilename() << ":" << diagnostic.getLineNo() << ":"
      << diagnostic.getColumnNo() + 1 << ": " << diagnostic.getMessage();
}
} // namespace

/// Turns YAML into the parts of a recipe. Methods return false after an error.
class Recipe::Reader {
public:
  Reader(Recipe &recipe, llvm::MemoryBufferRef buffer)
      : recipe(recipe), stream(buffer, *recipe.sources, /*ShowColors=*/false) {
    recipe.sources->setDiagHandler(collect, &problems);
  }

  llvm::Error read() {
    auto document = stream.begin();
    bool good = document != stream.end() && !stream.failed() &&
                readTop(document->getRoot());
    if (good && !stream.failed() && ++document != stream.end())
      good = fail(document->getRoot(), "a recipe is one document");
    recipe.sources->setDiagHandler(nullptr);
    if (good && !stream.failed() && problems.empty())
      return llvm::Error::success();
    return llvm::createStringError(
        problems.empty() ? recipe.file + ": the file is empty: a recipe has a "
                                         "list 'passes'"
                         : problems);
  }

private:
  bool fail(yaml::Node *node, const llvm::Twine &message) {
    llvm::SMLoc place = node ? node->getSourceRange().Start : llvm::SMLoc();
    recipe.sources->PrintMessage(place, llvm::SourceMgr::DK_Error, message);
    return false;
  }

  /// Calls `visit` with the keys and values of a mapping, each key once.
  template <typename Visit>
  bool visitMap(yaml::Node *node, const llvm::Twine &what, Visit visit) {
    auto *map = llvm::dyn_cast_or_null<yaml::MappingNode>(node);
    if (!map)
      return fail(node, what);
    llvm::StringSet<> seen;
    for (yaml::KeyValueNode &entry : *map) {
      std::optional<std::string> key = readScalar(entry.getKey());
      if (!key)
        return fail(entry.getKey(), "a key is a name");
      if (!seen.insert(*key).second)
        return fail(entry.getKey(), "'" + *key + "' is here twice");
      if (!visit(*key, entry))
        return false;
    }
    return !stream.failed();
  }

  static std::optional<std::string> readScalar(yaml::Node *node) {
    llvm::SmallString<64> storage;
    if (auto *scalar = llvm::dyn_cast_or_null<yaml::ScalarNode>(node))
      return scalar->getValue(storage).str();
    if (auto *block = llvm::dyn_cast_or_null<yaml::BlockScalarNode>(node)) {
      std::string text = block->getValue().rtrim().str();
      std::replace(text.begin(), text.end(), '\n', ' ');
      return text;
    }
    return std::nullopt;
  }

  bool readTop(yaml::Node *root) {
    bool hasPasses = false;
    if (!visitMap(root, "a recipe is a mapping with a list 'passes'",
                  [&](llvm::StringRef key, yaml::KeyValueNode &entry) {
                    hasPasses |= key == "passes";
                    return readEntry(key, entry);
                  }))
      return false;
    return hasPasses || fail(root, "the recipe has no list 'passes'");
  }

  bool readEntry(llvm::StringRef key, yaml::KeyValueNode &entry) {
    if (key == "passes")
      return readPasses(entry.getValue(), recipe.passes);
    if (key == "options")
      return readOptions(entry.getValue());
    if (key != "description")
      return fail(entry.getKey(), "there is no key '" + key +
                                      "'; a recipe has 'description', "
                                      "'options' and 'passes'");
    std::optional<std::string> text = readScalar(entry.getValue());
    if (!text)
      return fail(entry.getValue(), "a description is a text");
    recipe.description = *text;
    return true;
  }

  bool readOptions(yaml::Node *node) {
    return visitMap(
        node, "'options' is a mapping of names to values",
        [&](llvm::StringRef name, yaml::KeyValueNode &entry) {
          std::optional<std::string> value = readScalar(entry.getValue());
          if (!value && !llvm::isa<yaml::NullNode>(entry.getValue()))
            return fail(entry.getValue(),
                        "the value of '" + name +
                            "' is a number or a text, or nothing if it has to "
                            "be set");
          recipe.options.push_back(
              {name.str(), value, entry.getKey()->getSourceRange().Start});
          return true;
        });
  }

  bool readPasses(yaml::Node *node, std::vector<Pass> &passes) {
    auto *list = llvm::dyn_cast_or_null<yaml::SequenceNode>(node);
    if (!list)
      return fail(node, "this must be a list of passes");
    for (yaml::Node &item : *list)
      if (!readPass(&item, passes))
        return false;
    return !stream.failed();
  }

  bool readPass(yaml::Node *node, std::vector<Pass> &passes) {
    llvm::SMLoc place = node->getSourceRange().Start;
    if (std::optional<std::string> name = readScalar(node)) {
      passes.push_back({*name, {}, place});
      return true;
    }
    size_t before = passes.size();
    const char *form = "a pass is its name, or 'name: {option: value}'";
    if (!visitMap(node, form, [&](llvm::StringRef name, auto &entry) {
          if (passes.size() != before)
            return fail(entry.getKey(), "each pass is an item of its own: "
                                        "write '- ' before its name");
          passes.push_back({name.str(), {}, place});
          return llvm::isa<yaml::NullNode>(entry.getValue()) ||
                 readPassOptions(entry.getValue(), passes.back());
        }))
      return false;
    return passes.size() != before || fail(node, form);
  }

  bool readPassOptions(yaml::Node *node, Pass &pass) {
    return visitMap(
        node, "the options of a pass are a mapping of names to values",
        [&](llvm::StringRef name, yaml::KeyValueNode &entry) {
          PassOption option{
              name.str(), "", {}, entry.getKey()->getSourceRange().Start};
          if (llvm::isa_and_nonnull<yaml::SequenceNode>(entry.getValue())) {
            if (!readPasses(entry.getValue(), option.passes))
              return false;
          } else if (auto value = readScalar(entry.getValue())) {
            option.value = *value;
          } else {
            return fail(entry.getValue(),
                        "the value of '" + name +
                            "' is a number, a text or a list of passes");
          }
          pass.options.push_back(std::move(option));
          return true;
        });
  }

  Recipe &recipe;
  std::string problems;
  yaml::Stream stream;
};

llvm::Expected<Recipe> Recipe::read(llvm::StringRef file) {
  auto buffer = llvm::MemoryBuffer::getFile(file, /*IsText=*/true);
  if (!buffer)
    return llvm::createStringError(
        "the recipe '" + file +
        "' cannot be read: " + buffer.getError().message());
  Recipe recipe;
  recipe.file = file.str();
  recipe.sources = std::make_unique<llvm::SourceMgr>();
  llvm::MemoryBufferRef text = (*buffer)->getMemBufferRef();
  // Places outlive YAML's parser, so the text does too.
  recipe.sources->AddNewSourceBuffer(std::move(*buffer), llvm::SMLoc());
  if (llvm::Error error = Reader(recipe, text).read())
    return std::move(error);
  return std::move(recipe);
}
