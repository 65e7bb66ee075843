#include "run/checkpoint_writer.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "io/testing.hpp"
#include "lockstep/base/clock.hpp"
#include "lockstep/nn/layers.hpp"

namespace lockstep {
namespace {

namespace fs = std::filesystem;

/// Keeps what it is told.
struct Listener : Observer {
  void on_checkpoint(const CheckpointEvent& event) override { saved.push_back(event); }
  void on_warning(const std::string& text) override { warnings.push_back(text); }

  std::vector<CheckpointEvent> saved;
  std::vector<std::string> warnings;
};

class CheckpointWriterTest : public testing::Test {
 protected:
  CheckpointWriterTest() { network_.add(linear(4), "fc"); }

  /// A writer that saves in the foreground, or after the first save in the background.
  std::unique_ptr<CheckpointWriter> writer(double overhead = 1e9) {
    config::Checkpoint config;
    config.keep = 9;
    config.overhead = overhead;
    config.max_failed_saves = 2;
    return std::make_unique<CheckpointWriter>(directory_, config, 1, Heartbeat(), listener_);
  }
  /// The state of a run after a step, all of whose numbers are that step.
  [[nodiscard]] SaveDraft draft(std::uint64_t step) const {
    Checkpoint facts;
    facts.info.step = step;
    facts.info.config = "[run]\nseed = 5\n";
    facts.info.input = network_.input_shape();
    facts.inputs = facts.targets = {{0, 0, 0}, {1, 1, 1}, {0, 0, 0}};
    SaveDraft draft{.step = step, .best_step = {}, .file = {}, .failure = {}};
    draft.file.emplace(facts, network_, std::span<const std::string_view>());
    const std::vector<Real> numbers(static_cast<std::size_t>(network_.parameters().size()),
                                    static_cast<Real>(step));
    draft.file->set(CheckpointDraft::kParameters, {0, std::ssize(numbers)}, numbers);
    return draft;
  }
  static SaveDraft bad_draft(std::uint64_t step) {
    return {.step = step, .best_step = {}, .file = {}, .failure = "not enough memory"};
  }
  static void save(CheckpointWriter& writer, SaveDraft draft, bool to_the_end = false) {
    writer.save(std::move(draft), now_seconds(), to_the_end);
  }
  [[nodiscard]] bool exists(const std::string& name) const {
    return fs::exists(directory_.path() / name);
  }
  /// Where a link of the checkpoints leads to; empty without it.
  [[nodiscard]] std::string link(const std::string& name) const {
    return directory_.checkpoints().link_target(name).value_or("");
  }

  const TemporaryDirectory place_;
  Network network_{Shape{.channels = 3}};
  Listener listener_;
  RunDirectory directory_ = RunDirectory::create(place_ / "run", "run", false);
};

TEST_F(CheckpointWriterTest, SavesLinksAndTells) {
  const auto writer = this->writer();
  SaveDraft best = draft(10);
  best.best_step = 10;
  save(*writer, std::move(best));
  SaveDraft next = draft(20);
  next.best_step = 10;
  save(*writer, std::move(next));
  EXPECT_EQ(writer->last().step, 20u);
  EXPECT_EQ(writer->last().file, "checkpoints/step-00000020.h5");
  EXPECT_EQ(link("latest.h5"), "step-00000020.h5");
  EXPECT_EQ(link("best.h5"), "step-00000010.h5");
  ASSERT_EQ(listener_.saved.size(), 2u);
  EXPECT_EQ(listener_.saved[1].step, 20u);
  EXPECT_EQ(listener_.saved[1].file, writer->last().file);
  EXPECT_EQ(listener_.saved[1].digest, writer->last().digest);
  EXPECT_NE(listener_.saved[0].digest, listener_.saved[1].digest);
  EXPECT_EQ(listener_.saved[1].bytes + static_cast<Index>(kSealBytes),
            static_cast<Index>(fs::file_size(directory_.path() / writer->last().file)));
  EXPECT_TRUE(writer->holds(10));
  EXPECT_TRUE(listener_.warnings.empty());
}

// "last checkpoint: ..." names a file that is there.
TEST_F(CheckpointWriterTest, AfterARollbackTheLastOneIsTheOneItWentBackTo) {
  const auto writer = this->writer();
  for (const std::uint64_t step : {10u, 20u, 30u}) save(*writer, draft(step));
  fs::resize_file(directory_.path() / "checkpoints/step-00000030.h5", 100);
  const std::optional<StoredCheckpoint> stored = writer->newest(10);
  ASSERT_TRUE(stored);
  EXPECT_EQ(stored->sealed.step, 20u);
  ASSERT_EQ(listener_.warnings.size(), 1u) << "about the one that is damaged";
  writer->go_back_to(20, "digest", 10);
  EXPECT_EQ(writer->last().step, 20u);
  EXPECT_EQ(writer->last().digest, "digest");
  EXPECT_EQ(writer->last().file, "checkpoints/step-00000020.h5");
  EXPECT_TRUE(exists(writer->last().file));
  EXPECT_TRUE(exists("checkpoints/step-00000030.h5.aside"));
  EXPECT_EQ(link("latest.h5"), "step-00000020.h5");
  EXPECT_EQ(link("best.h5"), "step-00000010.h5");
}

TEST_F(CheckpointWriterTest, ARollbackWaitsForTheSaveUnderWay) {
  const auto writer = this->writer(0);
  save(*writer, draft(10));
  save(*writer, draft(20));
  EXPECT_EQ(writer->newest(1)->sealed.step, 20u);
  EXPECT_EQ(listener_.saved.size(), 2u);
}

TEST_F(CheckpointWriterTest, AResumedRunHasSavedNothingYet) {
  {
    const auto before = writer();
    save(*before, draft(10));
    save(*before, draft(20));
  }
  const auto writer = this->writer();
  writer->resume_at(10, "digest", std::nullopt);
  EXPECT_EQ(writer->last().step, 10u);
  EXPECT_EQ(writer->last().digest, "digest");
  EXPECT_EQ(writer->last().file, "");
  EXPECT_EQ(link("latest.h5"), "step-00000010.h5");
  EXPECT_FALSE(writer->holds(20));
}

TEST_F(CheckpointWriterTest, FailuresInARowEndTheRun) {
  const auto writer = this->writer();
  save(*writer, draft(10));
  save(*writer, bad_draft(20));
  EXPECT_EQ(listener_.warnings,
            std::vector<std::string>{"checkpoint not written: not enough memory"});
  EXPECT_EQ(writer->last().step, 10u) << "the last complete one";
  save(*writer, draft(30));
  save(*writer, bad_draft(40));
  expect_error(ExitCode::io, "2 checkpoints in a row could not be written",
               [&] { save(*writer, bad_draft(50)); });
  EXPECT_EQ(writer->last().file, "checkpoints/step-00000030.h5");
}

TEST_F(CheckpointWriterTest, AtTheEndOfARunAFailureIsOnlyTold) {
  const auto writer = this->writer(0);
  save(*writer, draft(10));
  save(*writer, bad_draft(20));
  EXPECT_TRUE(listener_.warnings.empty()) << "not yet, it is in the background";
  EXPECT_NO_THROW(writer->settle());
  EXPECT_EQ(listener_.warnings.size(), 1u);
  EXPECT_THROW(save(*writer, bad_draft(30)), Error);
  EXPECT_NO_THROW(writer->settle());
  EXPECT_THROW(writer->finish(), Error);
}

TEST_F(CheckpointWriterTest, ACompleteFileWithoutItsLinkIsAFailure) {
  const auto writer = this->writer();
  fs::create_directory(directory_.path() / "checkpoints/latest.h5");
  save(*writer, draft(10));
  EXPECT_EQ(listener_.warnings.size(), 1u);
  EXPECT_TRUE(listener_.saved.empty());
  EXPECT_EQ(writer->last().file, "checkpoints/step-00000010.h5") << "a state to go on from";
  EXPECT_EQ(writer->last().step, 0u);
}

TEST_F(CheckpointWriterTest, ALongSaveIsWrittenWhileTrainingGoesOn) {
  const auto writer = this->writer(0);
  save(*writer, draft(10));
  EXPECT_EQ(listener_.saved.size(), 1u) << "the first is waited for";
  save(*writer, draft(20));
  EXPECT_EQ(listener_.saved.size(), 1u);
  EXPECT_EQ(writer->last().step, 10u);
  writer->finish();
  EXPECT_EQ(listener_.saved.size(), 2u);
  EXPECT_EQ(writer->last().step, 20u);
  save(*writer, draft(30), true);
  EXPECT_EQ(writer->last().step, 30u) << "the last one is waited for, too";
}

TEST_F(CheckpointWriterTest, IsSettledOnceItIsDone) {
  const auto writer = this->writer(0);
  writer->settle_if_done();
  save(*writer, draft(10));
  save(*writer, draft(20));
  while (listener_.saved.size() < 2) writer->settle_if_done();
  EXPECT_EQ(writer->last().step, 20u);
}

TEST_F(CheckpointWriterTest, ASaveWhoseDirectoryWasLostEndsTheRun) {
  const auto writer = this->writer();
  save(*writer, draft(10));
  fs::rename(directory_.path(), place_ / "moved");
  expect_error(ExitCode::cannot_create, "no longer leads", [&] { save(*writer, draft(20)); });
  expect_error(ExitCode::cannot_create, "no longer leads",
               [&] { writer->go_back_to(10, "", std::nullopt); });
  EXPECT_FALSE(fs::exists(place_ / "moved/checkpoints/step-00000020.h5"));
}

TEST_F(CheckpointWriterTest, SavesByTimeAreDueAfterTheirDistance) {
  const auto writer = this->writer();
  const Cadence minute({60, config::Interval::Unit::seconds}, 1);
  writer->restart_pace(1000);
  EXPECT_FALSE(writer->is_due(minute, 1059));
  EXPECT_TRUE(writer->is_due(minute, 1060));
}

}  // namespace
}  // namespace lockstep
