#pragma once

#include <functional>
#include <iosfwd>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "lockstep/run/events.hpp"

namespace lockstep::cli {

/// What the place that people read can do.
struct TerminalStyle {
  bool bar = false;  ///< a line can be redrawn in place
  bool colour = false;
  int columns = 0;  ///< width at first; 0: unknown
  std::function<int()>
      width{};  ///< asked before each line, as windows are resized; empty: `columns`

  [[nodiscard]] int columns_now() const { return width ? width() : columns; }
};

/// The style of a stream. Under mpirun every rank has a terminal of 0 columns even when mpirun's
/// own output is a file: then it is none; nor is one that calls itself dumb, on which no line can
/// be redrawn. `no_color` and `term` are the values of NO_COLOR and TERM.
[[nodiscard]] TerminalStyle style_of(bool is_terminal, int columns, std::string_view no_color,
                                     std::string_view term);
/// The style of standard output.
[[nodiscard]] TerminalStyle standard_output_style();

/// Tells people about a run: what it is, a line per epoch, and how it ended; in between a bar that
/// is redrawn in place or, where it cannot be, a line now and then. Where the time went is told
/// after each epoch of at least a second, else once at the end. The line of an epoch is shortened
/// where it would not fit. Everything but the bar also goes to log.txt in the run directory, whole
/// and without colour.
class Terminal : public Observer {
 public:
  /// Seconds since 1970.
  using Clock = std::function<double()>;

  /// Warnings go to `err`, all else to `out`. `command` is what started the run, less the options
  /// that say where to resume and when to stop: "trainer train mlp.toml".
  Terminal(std::ostream& out, std::ostream& err, TerminalStyle style, std::string command,
           Clock clock);
  ~Terminal() override;

  void on_start(const RunStart& start) override;
  void on_step(const StepEvent& step) override;
  void on_epoch(const EpochEvent& epoch) override;
  void on_times(const TimesEvent& times) override;
  void on_checkpoint(const CheckpointEvent& checkpoint) override;
  void on_warning(const std::string& message) override;
  void on_end(const RunEnd& end) override;

 private:
  /// Sums over the steps of the running epoch.
  struct Pace {
    Index steps = 0;
    double samples = 0;
    double seconds = 0;
    double exposed_seconds = 0;
  };

  void print(const std::string& text);
  void log(const std::string& text);
  void print_pending();
  [[nodiscard]] std::string fitting(const EpochEvent& epoch, const std::string& whole) const;
  void print_times();
  void draw(const StepEvent& step);
  void erase();
  void print_progress(const StepEvent& step);
  [[nodiscard]] std::string progress_text(const StepEvent& step, int bar_columns) const;
  [[nodiscard]] std::string resume_command() const;

  std::ostream& out_;
  std::ostream& err_;
  TerminalStyle style_;
  std::string command_;
  Clock clock_;
  std::shared_ptr<AppendedFile> log_;
  RunStart start_;
  Pace pace_;
  std::size_t drawn_ = 0;  ///< columns of the line that is redrawn
  double last_draw_ = -std::numeric_limits<double>::infinity();
  double last_progress_ = 0;
  Index progress_steps_ = 0;           ///< of the epoch, at the last progress line
  std::optional<EpochEvent> pending_;  ///< whose line waits for the checkpoint of its step
  std::uint64_t checkpoint_step_ = 0;  ///< of the last checkpoint
  TimesEvent times_;                   ///< that were not told yet
};

}  // namespace lockstep::cli
