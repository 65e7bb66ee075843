#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "lockstep/base/error.hpp"
#include "setup/look/look.hpp"

namespace lockstep {
namespace {

// One sample after the other, as numbers that nothing has been done to.
class Rows {
 public:
  explicit Rows(const Samples& samples)
      : samples_(samples),
        scan_(*samples.data),
        row_(static_cast<std::size_t>(samples.data->shape().size())) {}

  std::span<const Real> operator()(Index i) {
    samples_.data->normalize(scan_(samples_.subset[i]), {}, row_);
    return row_;
  }

  /// As the network sees them.
  std::span<const Real> seen(Index i) {
    const Normalization none;
    samples_.data->normalize(scan_(samples_.subset[i]),
                             samples_.inputs == nullptr ? none : *samples_.inputs, row_);
    return row_;
  }

 private:
  const Samples& samples_;
  InputScan scan_;
  std::vector<Real> row_;
};

void require_different_samples(const Samples& train) {
  if (train.size() < 2) return;
  InputScan scan(*train.data);
  const auto view = scan(train.subset[0]);
  const std::vector<std::byte> first(view.begin(), view.end());
  for (Index i = 1; i < train.size(); ++i) {
    if (!std::ranges::equal(scan(train.subset[i]), first)) return;
  }
  throw Error(ExitCode::bad_data,
              fmt::format("{}: the inputs of all {} training samples are identical, so nothing can "
                          "be learned from them{}",
                          train.data->name(), train.size(), notes_of(*train.data)));
}

using Places = std::vector<std::size_t>;  // of columns

// "2 ('humidity'), 5".
std::string list(const Places& places, const std::vector<std::string>& names) {
  std::vector<std::string> texts;
  for (const std::size_t p : places) {
    texts.push_back(p < names.size() ? fmt::format("{} ('{}')", p, names[p]) : std::to_string(p));
  }
  return fmt::format("{} {}", places.size() == 1 ? "column" : "columns", fmt::join(texts, ", "));
}

Places all_columns(const Samples& train) {
  Places places(static_cast<std::size_t>(train.data->shape().size()));
  for (std::size_t p = 0; p < places.size(); ++p) places[p] = p;
  return places;
}

void look_for_constants(const Samples& train, const std::vector<std::string>& names, Notes& notes) {
  constexpr Index kWide = 32;  // without names these are likely pixels, whose margins are constant
  constexpr std::size_t kMostListed = 8;
  if (train.size() < 2) return;
  if (names.empty() && train.data->shape().channels > kWide) return;
  Rows rows(train);
  // What was taken off before they were stored may hide how they differ until they are normalized.
  const auto view = rows.seen(0);
  const std::vector<Real> first(view.begin(), view.end());
  Places constant = all_columns(train);
  for (Index i = 1; i < train.size() && !constant.empty(); ++i) {
    const std::span<const Real> row = rows.seen(i);
    std::erase_if(constant, [&](std::size_t p) { return row[p] != first[p]; });
  }
  if (constant.empty()) return;
  notes.push_back(fmt::format("{} of the inputs: constant over all training samples",
                              constant.size() <= kMostListed
                                  ? list(constant, names)
                                  : fmt::format("{} columns", constant.size())));
}

float answer(const Dataset& data, Index sample) {
  return data.describe().target_kind == TargetKind::labels
             ? static_cast<float>(data.label(sample))
             : static_cast<float>(first_target(data, sample));
}

// An answer among the questions.
void look_for_targets(const Samples& train, const std::vector<std::string>& names, Notes& notes) {
  constexpr Index kFewest = 20;
  if (train.data->describe().target_columns > 1 || train.size() < kFewest) return;
  Rows rows(train);
  Places equal = all_columns(train);
  for (Index i = 0; i < train.size() && !equal.empty(); ++i) {
    const std::span<const Real> row = rows(i);
    const auto target = static_cast<Real>(answer(*train.data, train.subset[i]));
    std::erase_if(equal, [&](std::size_t p) { return row[p] != target; });
  }
  if (equal.empty()) return;
  notes.push_back(fmt::format("{} of the inputs: identical to the target in all training samples",
                              list(equal, names)));
}

void look_at_scale(const Samples& train, Notes& notes) {
  constexpr double kLarge = 100;
  constexpr Index kEnough = 1000;  // samples
  const Index count = std::min(train.size(), kEnough);
  InputScan scan(*train.data);
  std::vector<Real> row(static_cast<std::size_t>(train.data->shape().size()));
  double squares = 0;
  for (Index i = 0; i < count; ++i) {
    train.data->normalize(scan(train.subset[i]), *train.inputs, row);
    for (const Real x : row) squares += double{x} * double{x};
  }
  const double size = std::sqrt(squares / static_cast<double>(count * std::ssize(row)));
  if (size <= kLarge) return;
  notes.push_back(
      fmt::format("inputs have a magnitude of about {:.2g}, but networks train best on inputs near "
                  "1; set data.normalize = \"standard\"",
                  size));
}

}  // namespace

Notes look_at_inputs(const Samples& train, const std::vector<std::string>& columns, bool symbols) {
  Notes notes;
  require_different_samples(train);
  const bool table = train.data->shape().positions() == 1;
  if (table) look_for_constants(train, columns, notes);
  if (table) look_for_targets(train, columns, notes);
  if (!symbols) look_at_scale(train, notes);
  return notes;
}

}  // namespace lockstep
