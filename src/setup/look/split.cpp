#include <fmt/format.h>

#include <algorithm>

#include "setup/look/look.hpp"

namespace lockstep {
namespace {

// Of input and answer.
Digest digest_of_sample(const Dataset& data, Index sample) {
  Digester digester;
  digester.update(data.input(sample));
  digester.update(data.describe().target_kind == TargetKind::labels
                      ? std::as_bytes(data.labels(sample))
                      : std::as_bytes(data.target(sample)));
  return digester.finish();
}

bool are_among(const Dataset& val, const Dataset& train) {
  const auto before = [](const Digest& a, const Digest& b) {
    return std::pair(a.high, a.low) < std::pair(b.high, b.low);
  };
  std::vector<Digest> known;
  for (Index i = 0; i < train.size(); ++i) known.push_back(digest_of_sample(train, i));
  std::ranges::sort(known, before);
  for (Index i = 0; i < val.size(); ++i) {
    if (!std::ranges::binary_search(known, digest_of_sample(val, i), before)) return false;
  }
  return true;
}

// Of streamed files only the names are compared.
bool validates_on_training(const DataSets& sets) {
  const Dataset& train = *sets.train_data;
  const Dataset& val = *sets.val_data;
  if (train.name() == val.name()) return true;
  if (train.describe().streamed() || val.describe().streamed()) return false;
  const auto kind = [](const DatasetHeader& h) { return std::pair(h.input_type, h.target_kind); };
  return kind(train.describe()) == kind(val.describe()) && are_among(val, train);
}

}  // namespace

Notes look_at_split(const DataSets& sets, const std::string& best) {
  Notes notes;
  // The default is no request.
  if (sets.val.size() == 0 && best != "none" && best != "val/loss") {
    notes.push_back(
        fmt::format("no validation samples: no checkpoint of the best {} is kept", best));
  }
  if (sets.train_data->describe().is_text() || sets.val.size() == 0) return notes;
  if (sets.val_data && validates_on_training(sets)) {
    notes.push_back(
        fmt::format("all {} validation samples are also training samples: they do not measure how "
                    "well the network generalizes",
                    sets.val.size()));
  } else if (sets.val.size() == 1 && sets.train.size() > 1) {
    notes.emplace_back(
        "only one validation sample: its metrics mean little; set data.val or a larger "
        "data.holdout");
  }
  return notes;
}

}  // namespace lockstep
