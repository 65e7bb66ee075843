#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <ostream>

#include "cli/assignments.hpp"
#include "cli/command.hpp"
#include "cli/output_file.hpp"
#include "cli/text.hpp"
#include "data/paths.hpp"
#include "lockstep/base/parallel.hpp"
#include "lockstep/base/printable.hpp"
#include "lockstep/base/threads.hpp"
#include "lockstep/config/parse.hpp"
#include "lockstep/data/formats.hpp"
#include "lockstep/data/layout_hint.hpp"
#include "lockstep/io/atomic_file.hpp"
#include "lockstep/io/file.hpp"
#include "lockstep/setup/catalogue.hpp"
#include "lockstep/setup/data_sets.hpp"

namespace lockstep::cli {
namespace {

/// More classes than these are not listed one by one.
constexpr Index kMaxListedClasses = 20;

/// The smallest configuration that can have a [data] section.
constexpr std::string_view kFrame = R"([run]
epochs = 1
[data]
train = "-"
batch = 1
[[layer]]
type = "flatten"
[loss]
type = "mse"
[optimizer]
type = "sgd"
lr = 1.0
)";

/// Smallest, largest and mean of numbers.
class Range {
 public:
  /// Numbers from which `offsets`, one per channel, were taken off.
  template <typename T>
  void add(std::span<const T> numbers, const std::vector<double>& offsets = {}) {
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      const double offset = offsets.empty() ? 0 : offsets[i % offsets.size()];
      const double x = static_cast<double>(numbers[i]) + offset;
      sum_ += x;
      low_ = std::min(low_, x);
      high_ = std::max(high_, x);
    }
    count_ += numbers.size();
  }
  [[nodiscard]] std::string text() const {
    return fmt::format("{} to {}, mean {}", significant(low_), significant(high_),
                       significant(sum_ / static_cast<double>(count_)));
  }

 private:
  double sum_ = 0, low_ = std::numeric_limits<double>::infinity(), high_ = -low_;
  std::size_t count_ = 0;
};

std::string numbers_text(std::span<const float> numbers, const std::vector<double>& offsets = {}) {
  Range range;
  range.add(numbers, offsets);
  return range.text();
}

template <typename T>
std::string range_of_inputs(const Dataset& data) {
  Range range;
  InputScan scan(data);
  for (Index i = 0; i < data.size(); ++i) {
    const std::span<const std::byte> row = scan(i);
    range.add(std::span(reinterpret_cast<const T*>(row.data()), row.size() / sizeof(T)),
              data.offsets());
  }
  return range.text();
}

std::string inputs_text(const Dataset& data) {
  switch (data.describe().input_type) {
    case InputType::bytes:
      return range_of_inputs<std::uint8_t>(data);
    case InputType::floats:
      return range_of_inputs<float>(data);
    case InputType::symbols:
      break;
  }
  return fmt::format("{} symbols, {} different", thousands(data.describe().symbols),
                     thousands(data.vocabulary().size()));
}

std::string classes_text(const Dataset& data) {
  std::string text =
      fmt::format("{} {}", thousands(data.classes()), data.classes() == 1 ? "class" : "classes");
  if (const auto ignored = std::ranges::count(data.labels(), kIgnoredLabel); ignored > 0) {
    text += fmt::format(", {} of {} labels ignored", thousands(Index{ignored}),
                        thousands(std::ssize(data.labels())));
  }
  if (data.classes() > kMaxListedClasses) return text;
  std::vector<Index> counts(static_cast<std::size_t>(data.classes()));
  for (const std::int32_t label : data.labels()) {
    if (label != kIgnoredLabel) ++counts[static_cast<std::size_t>(label)];
  }
  text += ":";
  for (std::size_t c = 0; c < counts.size(); ++c) {
    const auto& names = data.class_names();
    text += fmt::format("  {} {}", names.empty() ? fmt::format("{}", c) : printable(names[c]),
                        thousands(counts[c]));
  }
  return text;
}

std::string targets_text(const Dataset& data) {
  const DatasetHeader& header = data.describe();
  if (header.is_text()) return "the symbol that follows each";
  if (header.target_kind == TargetKind::labels) return classes_text(data);
  return fmt::format("{} per sample, {}", thousands(header.target_columns),
                     numbers_text(data.values(), data.target_offsets()));
}

/// Whether the files that a path means fit into memory together. What cannot be asked is told when
/// it is read.
bool fits(const std::string& path) {
  std::uintmax_t all = 0;
  for (const std::string& file : named_files(path).files) {
    std::error_code error;
    const std::uintmax_t bytes = std::filesystem::file_size(file, error);
    if (!error) all += bytes;
  }
  return fits_into_memory(static_cast<Index>(all));
}

std::string weights_name(const config::Data& data) {
  const auto* const name = std::get_if<std::string>(&data.weights);
  return name == nullptr ? "w" : *name;
}

class Data : public Command {
 public:
  [[nodiscard]] std::string_view name() const override { return "data"; }
  [[nodiscard]] std::string_view summary() const override {
    return "Show what data files contain; convert them to HDF5";
  }
  [[nodiscard]] std::string_view example() const override {
    return "trainer data info datasets/digits.csv.gz";
  }

  void add_options(CLI::App& app) override {
    app.require_subcommand(1);
    info_ = app.add_subcommand("info", "Check a data set and show what it contains");
    add_source(*info_);
    info_->footer("Example:\n  trainer data info datasets/digits.csv.gz --set data.target=64");
    convert_ = app.add_subcommand(
        "convert",
        "Write a data set to one HDF5 file, with data sets x and y and the sample weights, if any");
    add_source(*convert_);
    convert_->add_option("--out", out_, "HDF5 file to write")->type_name("FILE")->required();
    convert_->add_flag("--force", force_, "Replace the file if it exists (default: off)");
    convert_->footer("Example:\n  trainer data convert datasets/digits.csv.gz --out digits.h5");
  }

  ExitCode run(const Session& session) override {
    start_threads(thread_count());
    if (convert_->parsed()) {
      check_output(out_, force_, {data_, labels_});
      check_suffix(out_, "data convert", "HDF5", {"h5", "hdf5", "hdf"});
    }
    config::Data data = settings();
    if (convert_->parsed()) data.memory = 0;
    // The whole set is looked at, but one that does not fit needs no more memory for that.
    constexpr Index kWindow = Index{1} << 30;
    if (info_->parsed() && data.memory == 0 && !fits(data_)) data.memory = kWindow;
    Source source = source_of(data, data_, labels_, !values_);
    source.untrusted = true;
    source.input_offsets.find = source.target_offsets.find = true;  // no digit is to be lost
    const Dataset set = load(source);
    tell(set, source, session.out);
    if (convert_->parsed()) convert(set, data, session.out);
    session.out << std::flush;
    return ExitCode::ok;
  }

 private:
  static void tell(const Dataset& set, const Source& source, std::ostream& out) {
    const std::string hint = layout_hint(set, source.channels_first);
    out << fmt::format("{}\nsamples  {} of {}\n{}inputs   {}\ntargets  {}\ndigest   {}\n",
                       printable(set.name()), thousands(set.size()), shape_text(set.shape()),
                       hint.empty() ? hint : fmt::format("note     {}\n", printable_message(hint)),
                       inputs_text(set), targets_text(set), set.digest().hex());
    if (set.describe().weighted) out << fmt::format("weights  {}\n", numbers_text(set.weights()));
    for (const std::string& note : set.notes()) {
      out << fmt::format("note     {}\n", printable_message(note));
    }
  }

  void convert(const Dataset& set, const config::Data& data, std::ostream& out) const {
    const std::vector<std::byte> file = to_hdf5(set, data.inputs, data.targets, weights_name(data));
    write_atomically(out_, file);
    out << fmt::format("wrote    {}, {} bytes\n", printable(out_),
                       thousands(static_cast<Index>(file.size())));
    if (!set.describe().ignores) return;
    out << fmt::format(
        "note     labels to be ignored stand there as {}: set data.ignore_label = {}\n",
        kIgnoredLabel, kIgnoredLabel);
  }

  void add_source(CLI::App& app) {
    app.add_option("DATA", data_, "As data.train: a file, pattern or folder")
        ->type_name("PATH")
        ->required();
    app.add_option("--labels", labels_, "As data.train_labels (default: none)")->type_name("FILE");
    app.add_flag("--values", values_,
                 "Targets are values (regression), not class labels (default: off)");
    app.add_option("--set", assignments_, "Set a key of [data]; may be repeated (default: none)")
        ->type_name("data.KEY=VALUE")
        ->allow_extra_args(false);
  }

  [[nodiscard]] config::Data settings() const {
    for (const std::string& assignment : assignments_) {
      if (!assignment.starts_with("data.")) {
        throw Error(ExitCode::usage, fmt::format("--set '{}': expected a key of [data], such as "
                                                 "data.type=csv",
                                                 assignment));
      }
    }
    return config::parse({"data", std::string(kFrame)}, overrides_of(assignments_), catalogue())
        .data;
  }

  CLI::App* info_ = nullptr;
  CLI::App* convert_ = nullptr;
  std::string data_;
  std::string labels_;
  std::string out_;
  std::vector<std::string> assignments_;
  bool values_ = false;
  bool force_ = false;
};

}  // namespace

std::unique_ptr<Command> data_command() { return std::make_unique<Data>(); }

}  // namespace lockstep::cli
