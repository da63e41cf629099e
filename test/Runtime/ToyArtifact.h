//===- ToyArtifact.h - artifacts around ToyModule.c ------------*- C++ -*-===//

#ifndef LLMC_TEST_RUNTIME_TOYARTIFACT_H
#define LLMC_TEST_RUNTIME_TOYARTIFACT_H

#include "llmc/Runtime/llmc.h"
#include "gtest/gtest.h"
#include <array>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

/// A test with a directory of its own.
class ToyTest : public testing::Test {
protected:
  using Table = std::array<std::array<float, 16>, 16>;

  struct CloseModel {
    void operator()(llmc_model *model) const { llmc_model_close(model); }
  };
  struct CloseSession {
    void operator()(llmc_session *session) const {
      llmc_session_close(session);
    }
  };
  using ModelPointer = std::unique_ptr<llmc_model, CloseModel>;
  using SessionPointer = std::unique_ptr<llmc_session, CloseSession>;

  void SetUp() override;
  void TearDown() override;

  /// Writes the artifact of `manifest`, `table` and `mode`.
  void write();
  /// Turns `manifest` into that of the model without states.
  void makeStateless();
  /// The artifact opened; fails the test if it cannot be.
  ModelPointer open();
  SessionPointer makeSession(int64_t capacity = 4, int64_t limit = 0);
  /// The status of opening, for artifacts that are broken.
  llmc_status tryOpen();

  /// What the model says after `ids`, whose sum counts.
  static int64_t sumOf(const std::vector<int64_t> &ids);
  /// Runs `batches` rows of equal length after `past` tokens; the most
  /// probable token after each, row by row.
  llmc_status run(llmc_session *session,
                  const std::vector<std::vector<int64_t>> &rows,
                  std::vector<int64_t> &next);

  std::filesystem::path directory;
  std::filesystem::path module;
  nlohmann::json manifest;
  Table table;
  int32_t mode = 0;
};

#endif // LLMC_TEST_RUNTIME_TOYARTIFACT_H
