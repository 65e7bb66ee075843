#include "cli/terminal.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <ostream>
#include <utility>

#include "cli/run_text.hpp"
#include "cli/text.hpp"
#include "lockstep/base/printable.hpp"

namespace lockstep::cli {
namespace {

constexpr double kRedrawSeconds = 0.1;
constexpr double kProgressSeconds = 10;
constexpr double kProgressShare = 0.1;  ///< of an epoch
constexpr double kTimesSeconds = 1;     ///< an epoch's time that is worth a table
constexpr int kNarrow = 60;             ///< columns below which numbers are shown without a bar
constexpr int kBarColumns = 30;

constexpr std::string_view kGreen = "\x1b[32m";
constexpr std::string_view kPlain = "\x1b[0m";

std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

int standard_output_columns() {
  winsize window{};
  return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0 ? window.ws_col : 0;
}

std::string checkpoint_text(std::uint64_t step) {
  return fmt::format("   checkpoint step {}", thousands(step));
}

/// "[===>    ]  ".
std::string bar_text(double share, int columns) {
  const int filled = std::clamp(static_cast<int>(share * columns), 1, columns);
  return fmt::format("[{}>{}]  ", std::string(static_cast<std::size_t>(filled - 1), '='),
                     std::string(static_cast<std::size_t>(columns - filled), ' '));
}

}  // namespace

TerminalStyle style_of(bool is_terminal, int columns, std::string_view no_color,
                       std::string_view term) {
  if (!is_terminal || columns <= 0 || term == "dumb") return {};
  return {.bar = true, .colour = no_color.empty(), .columns = columns};
}

TerminalStyle standard_output_style() {
  TerminalStyle style = style_of(::isatty(STDOUT_FILENO) == 1, standard_output_columns(),
                                 variable("NO_COLOR"), variable("TERM"));
  if (style.columns > 0) style.width = standard_output_columns;
  return style;
}

Terminal::Terminal(std::ostream& out, std::ostream& err, TerminalStyle style, std::string command,
                   Clock clock)
    : out_(out), err_(err), style_(style), command_(std::move(command)), clock_(std::move(clock)) {}

Terminal::~Terminal() { erase(); }

void Terminal::print(const std::string& text) {
  const std::string shown = printable_lines(text);
  erase();
  out_ << shown << std::flush;
  log(shown);
}

// A full disk may have room again at the next line.
void Terminal::log(const std::string& text) {
  if (log_) static_cast<void>(log_->append(text));
}

void Terminal::on_start(const RunStart& start) {
  start_ = start;
  start_.network = nullptr;  // lives only during this call
  log_ = std::move(start_.log);
  print(header_text(start));
  last_progress_ = clock_();
}

void Terminal::on_step(const StepEvent& step) {
  print_pending();
  ++pace_.steps;
  pace_.samples += static_cast<double>(step.samples);
  pace_.seconds += step.seconds;
  pace_.exposed_seconds += step.times[Part::exposed] + step.times[Part::wait];
  if (style_.bar) {
    draw(step);
  } else {
    print_progress(step);
  }
}

std::string Terminal::progress_text(const StepEvent& step, int bar_columns) const {
  const auto per_epoch = static_cast<std::uint64_t>(std::max<Index>(1, start_.steps_per_epoch));
  const std::uint64_t epochs = (start_.total_steps + per_epoch - 1) / per_epoch;
  const std::uint64_t in_epoch = (step.step - 1) % per_epoch + 1;
  const double seconds = std::max(pace_.seconds, 1e-9);
  const double left = static_cast<double>(start_.total_steps) - static_cast<double>(step.step);
  const int width = std::max(2, static_cast<int>(std::to_string(epochs).size()));
  const double share = static_cast<double>(in_epoch) / static_cast<double>(per_epoch);
  std::string text = fmt::format(
      "epoch {:>{}}/{}  {}{}/{}  loss {}  {} samples/s", (step.step - 1) / per_epoch + 1, width,
      epochs, bar_columns > 0 ? bar_text(share, bar_columns) : "", thousands(in_epoch),
      thousands(per_epoch), significant(step.loss), rate(pace_.samples / seconds));
  if (start_.ranks > 1) {
    text += fmt::format("  comm {:.0f}%", 100 * pace_.exposed_seconds / seconds);
  }
  const double step_seconds = seconds / static_cast<double>(pace_.steps);
  return text + fmt::format("  eta {}", whole_duration(left * step_seconds));
}

void Terminal::draw(const StepEvent& step) {
  const double now = clock_();
  if (now - last_draw_ < kRedrawSeconds) return;
  last_draw_ = now;
  std::string text = progress_text(step, 0);
  // The last column stays free: a full line would wrap.
  const int columns = style_.columns_now();
  const int room = std::max(0, columns - 1);
  const int bar = std::min(kBarColumns, room - static_cast<int>(text.size()) - 4);
  if (columns >= kNarrow && bar > 0) text = progress_text(step, bar);
  text.resize(std::min(text.size(), static_cast<std::size_t>(room)));
  const std::size_t length = text.size();
  text.resize(std::max(length, std::min(drawn_, static_cast<std::size_t>(room))), ' ');
  out_ << '\r' << text << std::flush;
  drawn_ = length;
}

void Terminal::erase() {
  if (drawn_ == 0) return;
  out_ << '\r' << std::string(static_cast<std::size_t>(std::max(0, style_.columns_now() - 1)), ' ')
       << '\r';
  drawn_ = 0;
}

void Terminal::print_progress(const StepEvent& step) {
  const double now = clock_();
  const auto steps = static_cast<double>(pace_.steps - progress_steps_);
  if (now - last_progress_ < kProgressSeconds ||
      steps < kProgressShare * static_cast<double>(start_.steps_per_epoch)) {
    return;
  }
  last_progress_ = now;
  progress_steps_ = pace_.steps;
  print(fmt::format("{:%H:%M:%S} UTC  {}\n", fmt::gmtime(static_cast<std::time_t>(now)),
                    progress_text(step, 0)));
}

void Terminal::on_epoch(const EpochEvent& epoch) {
  print_pending();
  pending_ = epoch;
  if (checkpoint_step_ == epoch.step && epoch.step > 0) print_pending();
  pace_ = {};
  progress_steps_ = 0;
  last_progress_ = clock_();
}

void Terminal::print_pending() {
  if (!pending_) return;
  const EpochEvent epoch = *std::exchange(pending_, std::nullopt);
  std::string whole = epoch_text(epoch);
  if (checkpoint_step_ == epoch.step && epoch.step > 0) whole += checkpoint_text(epoch.step);
  erase();
  std::string line = fitting(epoch, whole);
  const std::size_t star = style_.colour ? line.find(" *lr ") : std::string::npos;
  if (star != std::string::npos) line.replace(star + 1, 1, fmt::format("{}*{}", kGreen, kPlain));
  out_ << line << '\n' << std::flush;
  log(whole + '\n');
  if (!times_.ranks.empty() && times_.ranks.front().times.total() >= kTimesSeconds) print_times();
}

/// The longest form of the line that fits into the terminal.
std::string Terminal::fitting(const EpochEvent& epoch, const std::string& whole) const {
  const int columns = style_.columns_now();
  if (columns <= 0) return whole;
  const auto room = static_cast<std::size_t>(columns - 1);  // a full line would wrap
  for (const std::string& text : {whole, epoch_text(epoch)}) {
    if (text.size() <= room) return text;
  }
  return short_epoch_text(epoch).substr(0, room);
}

void Terminal::on_times(const TimesEvent& times) {
  if (times_.ranks.size() != times.ranks.size()) {
    times_ = times;
  } else {
    times_.steps += times.steps;
    for (std::size_t r = 0; r < times.ranks.size(); ++r)
      times_.ranks[r].times += times.ranks[r].times;
  }
}

void Terminal::print_times() {
  const std::string text = times_text(std::exchange(times_, {}));
  if (!text.empty()) print(text);
}

void Terminal::on_checkpoint(const CheckpointEvent& checkpoint) {
  checkpoint_step_ = checkpoint.step;
  if (pending_ && pending_->step == checkpoint.step) print_pending();
}

void Terminal::on_warning(const std::string& message) {
  print_pending();
  erase();
  out_ << std::flush;
  const std::string line = fmt::format("trainer: warning: {}\n", printable_message(message));
  err_ << line << std::flush;
  log(line);
}

std::string Terminal::resume_command() const {
  std::string command = command_ + " --resume auto";
  if (start_.directory != "runs/" + start_.name) {
    command += " --run-dir " + shell_quoted(start_.directory);
  }
  return command;
}

void Terminal::on_end(const RunEnd& end) {
  print_pending();
  const std::string milestones = milestones_text(end);
  if (!times_.ranks.empty()) {
    print("\n");
    print_times();
  }
  if (!milestones.empty()) print("\n" + milestones);
  if (end.status == "done") {
    print("\n" + done_text(end, start_.directory));
  } else if (end.status == "preempted") {
    print(fmt::format("\nstopped by {} at step {}, {}; resume with:\n  {}\n", printable(end.reason),
                      thousands(end.step),
                      end.step == 0 ? "before anything was to be saved" : "checkpoint complete",
                      resume_command()));
    if (!end.digest.empty()) print(fmt::format("digest {}\n", end.digest));
  } else if (!end.checkpoint.empty()) {
    print(fmt::format("\nfailed at step {}; last checkpoint: {}/{}\n", thousands(end.step),
                      printable(start_.directory), end.checkpoint));
  }
}

}  // namespace lockstep::cli
