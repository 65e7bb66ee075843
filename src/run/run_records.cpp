#include "run/run_records.hpp"

#include <unistd.h>

#include <chrono>
#include <system_error>
#include <thread>
#include <utility>

#include "lockstep/run/run_files.hpp"

namespace lockstep {

void RunRecords::open(const RunRequest& request, const std::string& name) {
  const bool existing =
      request.resume == "auto" || (!request.resume.empty() && !request.run_directory.empty());
  directory_.emplace(RunDirectory::create(request.run_directory, name, existing));
  published_ = &*directory_;
}

void RunRecords::begin(const std::string& config, const std::string& resolved_config,
                       ManifestFacts facts, std::uint64_t first_step) {
  directory_->write_text(kConfigFile, config);
  directory_->write_text(kResolvedConfigFile, resolved_config);
  manifest_.emplace(directory_->place(), std::move(facts), first_step);
  log_ = std::make_shared<AppendedFile>(directory_->place(), kLogFile);
  metrics_.emplace(AppendedFile(directory_->place(), kMetricsFile),
                   [this](const std::string& text) { audience_.on_warning(text); });
  audience_.add(*metrics_);
  directory_->status("running");
}

void RunRecords::end(const RunEnd& end) {
  if (!owns_directory()) return;
  try {
    manifest_->end(end);
    directory_->status(end.status, end.code, end.reason);
  } catch (const Error& error) {
    audience_.on_warning(error.what());
  }
  audience_.on_end(end);
}

std::string RunRecords::path() const { return directory_ ? directory_->path().string() : ""; }

bool RunRecords::owns_directory() const {
  try {
    directory_->require_ownership();
    return true;
  } catch (const Error&) {
    return false;
  }
}

// No other part of the run can be relied on.
void RunRecords::tell_stalled(const std::string& why) const {
  try {
    // A disk or a terminal that hangs must not hold it up.
    std::thread([] {
      std::this_thread::sleep_for(std::chrono::seconds(2));
      ::_exit(static_cast<int>(ExitCode::stalled));
    }).detach();
  } catch (const std::system_error&) {  // then they must not hang
  }
  const std::string line = "trainer: error: " + why + "; watchdog.limit ends the job\n";
  static_cast<void>(!::write(STDERR_FILENO, line.data(), line.size()));
  try {
    if (const RunDirectory* directory = published_) {
      directory->status("failed", ExitCode::stalled, why);
    }
  } catch (const std::exception&) {  // the line above has said it
  }
  ::_exit(static_cast<int>(ExitCode::stalled));
}

}  // namespace lockstep
